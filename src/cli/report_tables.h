/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_tables: a TLS report as tables for people. Each policy of a report
 * stands for itself: a sender may count one session under several of them, so
 * their sessions are never added up.
 */
#pragma once

#include "cli/cli.h"
#include "proto/tlsrpt_report.h"

enum report_by {
	REPORT_BY_RESULT, /* failures by result type */
	REPORT_BY_SOURCE, /* by sending MTA */
	REPORT_BY_MX,	  /* by receiving MX host */
	REPORT_BY_POLICY, /* the policies only */
};

/* "result", "source", "mx", "policy"; ST_INVALID for another word. */
enum status report_by_parse(struct str word, enum report_by *out);

/* Prints one report; name is the file it came from. */
void report_print(const struct cli *cli, const char *name,
	const struct tlsrpt_report *r, enum report_by by);

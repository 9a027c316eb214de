/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_query: the options that say which reports (alerts, changes) of the
 * running system are meant, and the path of the API that asks for them.
 */
#pragma once

#include "base/sbuf.h"
#include "cli/cli.h"

/* For a row table: these options are the same everywhere. */
/* clang-format off */
#define REPORT_DAYS                                                            \
	{ "domain", "DOMAIN", "only reports about this domain", 0, false },    \
	{ "from", "DAY", "the first day, as 2026-11-21", 0, false },           \
	{ "to", "DAY", "the last day", 0, false }
#define REPORT_TENANT                                                          \
	{ "tenant", "TENANT", "this tenant's instead of the default one's", 0, \
		false }
/* clang-format on */

/* A path with its query; begin with report_query_begin. */
struct report_query {
	struct sbuf b;
	char next; /* '?' or '&' */
};

struct report_query report_query_begin(struct cli *cli, const char *path);

/* Adds a parameter, encoded; does nothing if value is NULL. */
void report_query_add(
	struct report_query *q, const char *name, const char *value);

/*
 * Adds --domain, --from, --to and --tenant, those of them that were given.
 * CLI_GOOD, or the exit code after a message.
 */
int report_query_days(
	struct cli *cli, const struct args *args, struct report_query *q);

/* These add one option, if it was given; codes as report_query_days. */
int report_query_domain(
	struct cli *cli, const struct args *args, struct report_query *q);
int report_query_limit(
	struct cli *cli, const struct args *args, struct report_query *q);
int report_query_tenant(
	struct cli *cli, const struct args *args, struct report_query *q);

struct str report_query_path(const struct report_query *q);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup: what a tenant's accepted reports add up to, by domain and day, kept
 * in the transaction that adds or drops a report; for this folder only. Each
 * report counts for its domain and once more for "" (all of the tenant's
 * domains), so that a view never adds up domains.
 *
 * Rows of different policy types never mix: a sender may count one session
 * under several policies of a report. Nor do proven and unproven reports.
 */
#pragma once

#include "store/store.h"

enum rollup_kind {
	ROLLUP_POLICY, /* k1: reporter, k2: policy text; ok, failed */
	ROLLUP_RESULT, /* k1: result type, k2: MX host, k3: reason; failed */
	ROLLUP_SOURCE, /* k1: reporter, k2: sending MTA, k3: result type;
			  failed */
	ROLLUP_DAY,    /* ok, failed */
};

/* More than a line of a report can mean. Sums of 64 bits overflow only beyond
 * 900 million such lines. */
#define ROLLUP_SESSIONS_MAX INT64_C(10000000000)
/* 0 .. ROLLUP_SESSIONS_MAX */
int64_t rollup_sessions(int64_t n);

/* Of a policy's failures, the sources with most failed sessions have rows of
 * their own, one for each address and result type; the others are one without
 * an address for each result type of RFC 8460, and one for all else. */
#define ROLLUP_SOURCES_MAX 1000u

/* Texts of strangers are cut to this many bytes. */
#define ROLLUP_TEXT_MAX 300u
#define ROLLUP_POLICY_MAX 2000u

/*
 * Adds (sign 1) or subtracts (-1) a report with its policies and failures, in a
 * transaction, at whose end the sums are written.
 */
enum status rollup_report(
	struct store *s, const struct store_report *r, int sign, struct err *e);

/* Writes them now, for one who looks at the table in the transaction. */
enum status rollup_write(struct store *s, struct err *e);

/*
 * Takes a domain's days from <= day < to out, also out of those of all
 * domains; an empty domain: all of the tenant's. The reports are not looked at.
 */
enum status rollup_erase(struct store *s, struct str tenant, struct str domain,
	int64_t from, int64_t to, struct err *e);

/*
 * Who reports, in buf: the organisation, which anybody may call himself, and in
 * brackets the domain whose signature proves it. So two of one name are two. A
 * name with brackets that nobody has signed has empty ones behind it.
 */
struct str rollup_reporter(
	char buf[ROLLUP_TEXT_MAX], const struct store_report *r);

/* The day (since 1970) a report counts for. */
int64_t rollup_day(const struct store_report *r);

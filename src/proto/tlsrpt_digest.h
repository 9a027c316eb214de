/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_digest: what a day or a week brought, in words for the owner of the
 * domains: the text of digest mails. Facts in, text out; the words for result
 * types are those of tlsrpt_meaning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "base/str.h"

#define TLSRPT_DIGEST_ROWS_MAX 10u /* of each list that is shown */

/* Of accepted reports; a session under several policies counts once. */
struct tlsrpt_digest_sums {
	int64_t reports, ok, failed; /* ok, failed: sessions */
};

struct tlsrpt_digest_failure {
	struct str domain, result_type;
	int64_t failed, reporters;
	int64_t before; /* failed sessions in the period before, 0: it is new */
};

struct tlsrpt_digest_reporter {
	struct str name;
	int64_t reports;
	int64_t before; /* reports in the 30 days before, 0: it is new */
};

struct tlsrpt_digest_alert {
	struct str id, kind, domain, item, what;
	bool is_new, is_over, is_known; /* known: acknowledged */
};

struct tlsrpt_digest_domain {
	struct str name, attention;
};

/* Texts of strangers may stand anywhere. */
struct tlsrpt_digest {
	bool weekly;	  /* or daily */
	int64_t from, to; /* from <= when a report came < to */

	/* What proves its sender, in this period and in the one before. */
	struct tlsrpt_digest_sums sums, sums_before;
	struct tlsrpt_digest_sums unproven; /* what nothing proves */
	int64_t quarantined, ignored, unreadable;

	/* Worst first. More than TLSRPT_DIGEST_ROWS_MAX: there are others. */
	struct tlsrpt_digest_failure *failures;
	size_t n_failures;
	struct tlsrpt_digest_reporter *reporters;
	size_t n_reporters;
	struct tlsrpt_digest_alert *alerts; /* new, going on, or just over */
	size_t n_alerts;
	struct tlsrpt_digest_domain *domains; /* a person must look at them */
	size_t n_domains;
};

/* The first day, since 1970, of the day or the week (from Monday) of a day. */
int64_t tlsrpt_digest_first(bool weekly, int64_t day);

/* Was there nothing at all to say? */
bool tlsrpt_digest_is_empty(const struct tlsrpt_digest *d);

/* "daily digest 2026-11-21: 2 alerts open": one line, printable ASCII. */
void tlsrpt_digest_subject(struct sbuf *b, const struct tlsrpt_digest *d);

/* Printable ASCII in lines of at most 76 characters, each ended by "\n". */
void tlsrpt_digest_text(struct sbuf *b, const struct tlsrpt_digest *d);

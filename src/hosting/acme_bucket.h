/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_bucket: how often a CA may be asked, as arithmetic. Token buckets with
 * the figures that Let's Encrypt documents (letsencrypt.org/docs/rate-limits,
 * August 2026), and the back-off after failures. Pure.
 */
#pragma once

#include <stdint.h>

enum acme_limit {
	ACME_LIMIT_ACCOUNTS, /* new accounts; key: "" */
	ACME_LIMIT_ORDERS,   /* new orders of the account; key: "" */
	ACME_LIMIT_DOMAIN,   /* certificates below a domain; key: domain */
	ACME_LIMIT_SAME_SET, /* certificates for the same names; key: host */
	ACME_LIMIT_FAILURES, /* failed authorizations; key: host */
	ACME_LIMIT_IN_A_ROW, /* failures that make the CA pause us; key: host */
	ACME_LIMITS,
};

struct acme_bucket_rule {
	const char *name;    /* as it stands in the store */
	int64_t burst;	     /* tokens in a full bucket */
	int64_t refill_s;    /* one token comes back in this time */
	const char *said_as; /* "5 certificates for ... in 7 days" */
};

const struct acme_bucket_rule *acme_limit_rule(enum acme_limit l);

/* The level, in thousandths, that was level_milli at `at`; never above full. */
int64_t acme_bucket_level(const struct acme_bucket_rule *r, int64_t level_milli,
	int64_t at, int64_t now);

/* Seconds until a whole token is there; 0: now. */
int64_t acme_bucket_wait(const struct acme_bucket_rule *r, int64_t level_milli);

/*
 * The wait after so many failures in a row: 1, 10, 100 minutes, then a day,
 * plus up to a tenth of it by random (any number), so that many do not return
 * at once.
 */
int64_t acme_backoff_s(int64_t attempts, uint32_t random);

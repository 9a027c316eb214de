/* SPDX-License-Identifier: Apache-2.0 */
/* acme_bucket: token buckets and the back-off. */
#include "hosting/acme_bucket.h"

#include "base/bug.h"
#include "base/clock.h"

#include "base/poison.h"

#define MILLI 1000

static const struct acme_bucket_rule rules[ACME_LIMITS] = {
	[ACME_LIMIT_ACCOUNTS] = { "accounts", 10, 3 * 3600 / 10,
		"10 new accounts in 3 hours" },
	[ACME_LIMIT_ORDERS] = { "orders", 300, 36,
		"300 new orders in 3 hours" },
	[ACME_LIMIT_DOMAIN] = { "domain", 50, 202 * 60,
		"50 certificates for a registered domain in 7 days" },
	[ACME_LIMIT_SAME_SET] = { "set", 5, 34 * 3600,
		"5 certificates for the same names in 7 days" },
	[ACME_LIMIT_FAILURES] = { "failures", 5, 12 * 60,
		"5 failed authorizations of a name in an hour" },
	[ACME_LIMIT_IN_A_ROW] = { "row", 1152, UTC_DAY_S,
		"1152 failures of a name in a row" },
};

const struct acme_bucket_rule *acme_limit_rule(enum acme_limit l)
{
	BUG(l >= ACME_LIMITS);
	return &rules[l];
}

int64_t acme_bucket_level(const struct acme_bucket_rule *r, int64_t level_milli,
	int64_t at, int64_t now)
{
	int64_t full = r->burst * MILLI;
	int64_t passed = now > at ? now - at : 0;

	/* Long enough to fill it from any level: spares the overflow. */
	if (passed / r->refill_s > 2 * r->burst)
		return full;
	level_milli += passed * MILLI / r->refill_s;
	return level_milli > full ? full : level_milli;
}

int64_t acme_bucket_wait(const struct acme_bucket_rule *r, int64_t level_milli)
{
	if (level_milli >= MILLI)
		return 0;
	return ((MILLI - level_milli) * r->refill_s + MILLI - 1) / MILLI;
}

int64_t acme_backoff_s(int64_t attempts, uint32_t random)
{
	static const int64_t waits[] = { 60, 600, 6000, UTC_DAY_S };
	int64_t i = attempts < 1 ? 0 : attempts > 4 ? 3 : attempts - 1;

	return waits[i] + random % (waits[i] / 10);
}

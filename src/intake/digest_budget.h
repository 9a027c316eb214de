/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_budget: how much the rows of reports may take that came in one hour
 * for one domain from one reporter. A report unpacks to hundreds of times what
 * it was as it came, so that quotas of what comes keep no disk from filling.
 * All that nothing proves is one reporter; whoever signs is one by the domain
 * that is registered, as names below it cost nothing.
 *
 * By the hour a report was received in: reports that waited, or are read again
 * later, count as they would have then.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/status.h"
#include "store/store.h"

/* The largest report there is fits once. */
#define DIGEST_BUDGET_BYTES ((uint64_t)24 << 20)
#define DIGEST_BUDGET_KEYS_MAX 100000u /* then it begins anew */

struct digest_budget;

struct digest_budget *digest_budget_new(void);
void digest_budget_free(struct digest_budget **b);

/*
 * Counts the rows of r, of which tenant, domain, proof, received and policies
 * are read. ST_LIMIT: the budget is used up, nothing was counted.
 */
enum status digest_budget_take(
	struct digest_budget *b, const struct store_report *r, struct err *e);

/* Counts them no more: they were not stored. */
void digest_budget_give(struct digest_budget *b, const struct store_report *r);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_order: one order from the queue to the certificate (RFC 8555 section
 * 7.4), a step at a time, the row written after each: killed at any instant,
 * the next process goes on where this one was.
 *
 *   queued -> new -> challenged -> validating -> ready -> finalizing
 *          -> issued -> done
 *
 * After a refusal the order begins anew from queued, later: 1, 10, 100
 * minutes, then daily (a person may make it due at once). Where the CA could
 * not be reached the state stays. Only when nothing leads to us any more it
 * has failed for good.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/cert_env.h"

struct store_acme_order;

/*
 * Takes the order on as far as it goes without waiting. ST_OK: the row says
 * how far and when to come again (next_at), the failures of the CA included.
 * ST_TEMP, ST_PERM: the store failed.
 */
enum status acme_order_work(
	struct cert_env *env, struct str order_id, struct err *e);

/*
 * Writes what came of a try that failed into the row: the problem, the number
 * of attempts, when to try again; from the beginning unless st is ST_TEMP or
 * ST_LIMIT. A type that begins with "moat:" is our own finding, not the CA's,
 * and is never put off for more than 100 minutes. retry_after_s: what the other
 * side asked for, or 0. Pure.
 */
void acme_order_failed(struct store_acme_order *o, enum status st,
	struct str type, struct str detail, int64_t retry_after_s, int64_t now,
	uint32_t random);

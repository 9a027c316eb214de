/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_renew: which certificates want attention: the CA is asked for its
 * renewal window (RFC 9773), a renewal is queued when its time has come, and
 * not queued for a host that nothing leads to us for any more.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/cert_env.h"

/* Handles up to limit certificates that are due. *n: how many were. */
enum status cert_renew_due(
	struct cert_env *env, size_t limit, size_t *n, struct err *e);

/*
 * Queues an order for (tenant, host), due now; replaces may be empty.
 * ST_INVALID: one is under way already.
 */
enum status cert_order_queue(const struct cert_env *env, struct str tenant,
	struct str host, const char *reason, struct str replaces,
	struct err *e);

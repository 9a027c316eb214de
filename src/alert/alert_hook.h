/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_hook: a notice as the body of a webhook and its signature. The
 * receiver computes HMAC-SHA-256 with the shared key over the decimal time of
 * the header, a full stop and the body, and refuses old times (docs/alerts.md).
 */
#pragma once

#include "base/arena.h"
#include "store/alert.h"

/* One JSON object; al is NULL for a trial. Aborts when memory is used up. */
struct str alert_hook_body(struct arena *a, const struct store_notice *n,
	const struct store_alert *al);

/* "Moat-Signature: t=1795305600,v1=HEX", NUL-terminated. */
struct str alert_hook_signature(
	struct arena *a, struct str key, struct str body, int64_t now);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reverse_names: looks the names of sending servers up that reports tell of,
 * over the role probe, so that the report by source has them at hand and never
 * waits for the DNS. A name is kept for a month. Strangers choose the
 * addresses, so that the look-ups of an hour are bounded.
 */
#pragma once

#include "base/clock.h"
#include "io/probe_client.h"
#include "store/store.h"

#define REVERSE_NAMES_HOUR 300 /* look-ups */
#define REVERSE_NAMES_BATCH 5u /* of them in one step */
#define REVERSE_NAMES_KEEP_S (30 * UTC_DAY_S)
#define REVERSE_NAMES_AGAIN_S UTC_DAY_S /* after a look-up that failed */
#define REVERSE_NAMES_TIMEOUT_MS 5000

struct reverse_names {
	struct store *store;
	struct probe_client probe;
	const struct clock *clock;
	bool (*stop)(void *ctx);
	void *stop_ctx;
	int64_t next_at;    /* of the next step */
	int64_t hour, done; /* look-ups in this hour */
};

/* Looks a few up if it is time to. Statuses of the store. */
enum status reverse_names_step(struct reverse_names *r, struct err *e);

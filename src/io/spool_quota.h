/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_quota: how much one recipient ID and one sending address may put into
 * the spool per hour. Kept in memory, per process; bounded, because strangers
 * choose the addresses: when it is full, addresses not yet known share one
 * entry.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"

#define SPOOL_QUOTA_ENTRIES 20000 /* of each kind */

struct spool_quota_limits {
	uint32_t reports; /* per hour */
	uint64_t bytes;	  /* per hour */
};

enum spool_quota_kind {
	SPOOL_QUOTA_ID,
	SPOOL_QUOTA_SOURCE,
	SPOOL_QUOTA_KINDS,
};

struct spool_quota;

struct spool_quota *spool_quota_new(const struct spool_quota_limits *per_id,
	const struct spool_quota_limits *per_source);
void spool_quota_free(struct spool_quota **q);

/*
 * Counts one report of n bytes from source for id. ST_LIMIT: an hour's worth is
 * used up, nothing was counted, *which says whose and *retry_s when the hour is
 * over.
 */
enum status spool_quota_take(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n,
	enum spool_quota_kind *which, int64_t *retry_s);

/* Gives back bytes that were counted and then did not come. */
void spool_quota_give_back(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n);

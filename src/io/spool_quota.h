/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_quota: how much one recipient ID and one sending address may put into
 * the spool per hour, and the address for that ID: no more than a part of what
 * the ID may have, so that one stranger cannot keep everybody else's reports
 * from it. A source must be something that a stranger cannot make up, such as
 * the address he connects from. Kept in memory, per process; bounded, because
 * strangers choose the addresses: when it is full, addresses not yet known
 * share one entry.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"

#define SPOOL_QUOTA_ENTRIES 20000 /* of each kind */
#define SPOOL_QUOTA_SHARE_PART 4  /* a source has that part of an ID's hour */
#define SPOOL_QUOTA_KEY_MAX 64	  /* bytes of an ID, and of a source */

struct spool_quota_limits {
	uint32_t reports; /* per hour */
	uint64_t bytes;	  /* per hour */
};

enum spool_quota_kind {
	SPOOL_QUOTA_ID,
	SPOOL_QUOTA_SOURCE,
	SPOOL_QUOTA_SHARE, /* of a source in an ID's; its first report of the
			      hour is always within */
	SPOOL_QUOTA_KINDS,
};

/* "id", "source", "share". */
const char *spool_quota_kind_name(enum spool_quota_kind kind);

struct spool_quota;

struct spool_quota *spool_quota_new(const struct spool_quota_limits *per_id,
	const struct spool_quota_limits *per_source);
void spool_quota_free(struct spool_quota **q);

/*
 * Counts one report of n bytes from source (empty: it is not known, and not
 * counted) for id; both have SPOOL_QUOTA_KEY_MAX bytes at most. ST_LIMIT: an
 * hour's worth is used up, nothing was counted, *which says whose and *retry_s
 * when the hour is over.
 */
enum status spool_quota_take(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n,
	enum spool_quota_kind *which, int64_t *retry_s);

/* Gives back bytes that were counted and then did not come. */
void spool_quota_give_back(struct spool_quota *q, struct mono now,
	struct str id, struct str source, uint64_t n);

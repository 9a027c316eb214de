/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers: replies that are ready to be sent, by the request as it comes. Most
 * requests are for what was just asked, and then a reply costs a look into this
 * table. What does not fit goes; it can be made again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

struct answers;

/*
 * Replies take at most max_bytes, and in time all of them; the table of where
 * they are takes a tenth more.
 */
struct answers *answers_new(size_t max_bytes);
void answers_free(struct answers **a);

/*
 * The reply to a request (the content of its netstring) as the netstring that
 * is sent, until the next put. p == NULL: none, or no longer good.
 */
struct str answers_get(struct answers *a, struct str request, struct mono now);

/*
 * Keeps reply (content) for a request until then. Requests that are about the
 * same domain go together.
 */
void answers_put(struct answers *a, struct str request, struct str domain,
	struct str reply, struct mono until);

/* What is kept about domain is no longer good; empty: all. */
void answers_drop(struct answers *a, struct str domain);

struct answers_stats {
	size_t entries, bytes, max_bytes;
	uint64_t evicted; /* to make room */
};
void answers_stats(const struct answers *a, struct answers_stats *out);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_clock: the time by which policies expire. A clock that jumps must not
 * end them all at once, so a jump is not believed for a day.
 *
 * The rule: the UTC clock counts as long as it goes as the monotonic clock
 * does. When the two come apart by more than POLICY_CLOCK_BOUND_S in
 * POLICY_CLOCK_SPAN_S, at once or by and by, as who forges NTP would have it,
 * or the clock at the start is behind the time last noted, or more than
 * POLICY_CLOCK_DOWN_S ahead of it, that is a jump: for POLICY_CLOCK_DOUBT_S the
 * time is the old one carried on by the monotonic clock. Meanwhile policies are
 * fetched again as ever, and stamped with the later one of the two times, so
 * that they live under both. If the UTC clock comes back it counts again at
 * once; when the day is over its time is taken for true.
 *
 * POLICY_CLOCK_DOWN_S is how far who forges NTP at the start is believed at
 * once. The cost: after a longer stop policies that have expired in it hold
 * for another day.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define POLICY_CLOCK_BOUND_S 300
#define POLICY_CLOCK_SPAN_S 86400
#define POLICY_CLOCK_DOWN_S (2 * 86400)
#define POLICY_CLOCK_DOUBT_S 86400

struct policy_clock {
	const struct clock *clock;
	struct mono mono; /* when ... */
	int64_t utc;	  /* ... it was this time */
	struct mono jumped;
	bool doubt;
};

enum policy_clock_news {
	POLICY_CLOCK_STEADY,
	POLICY_CLOCK_JUMPED, /* noticed now */
	POLICY_CLOCK_CAME_BACK,
	POLICY_CLOCK_TAKEN, /* the new time counts from now on */
};

/* noted: the time last noted before, 0: never. */
enum policy_clock_news policy_clock_init(
	struct policy_clock *c, const struct clock *clock, int64_t noted);

/* To be called now and then, every minute or oftener. */
enum policy_clock_news policy_clock_check(struct policy_clock *c);

/* The time that counts. */
int64_t policy_clock_now(const struct policy_clock *c);

/* The time to write on what is fetched now. */
int64_t policy_clock_stamp(const struct policy_clock *c);

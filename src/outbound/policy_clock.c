/* SPDX-License-Identifier: Apache-2.0 */
/* policy_clock: two clocks compared; see the rule in the header. */
#include "outbound/policy_clock.h"

#include "base/poison.h"

/* The old time, carried on. */
static int64_t carried(const struct policy_clock *c)
{
	return c->utc + (clock_mono(c->clock).ms - c->mono.ms) / 1000;
}

static void take(struct policy_clock *c, int64_t utc)
{
	c->mono = clock_mono(c->clock);
	c->utc = utc;
}

static bool apart(const struct policy_clock *c)
{
	int64_t d = clock_now(c->clock).s - carried(c);

	return d > POLICY_CLOCK_BOUND_S || d < -POLICY_CLOCK_BOUND_S;
}

enum policy_clock_news policy_clock_init(
	struct policy_clock *c, const struct clock *clock, int64_t noted)
{
	int64_t now = clock_now(clock).s;

	*c = (struct policy_clock){ .clock = clock };
	if (noted == 0 || (now >= noted - POLICY_CLOCK_BOUND_S &&
				  now <= noted + POLICY_CLOCK_DOWN_S)) {
		take(c, now);
		return POLICY_CLOCK_STEADY;
	}
	take(c, noted);
	c->doubt = true;
	c->jumped = clock_mono(clock);
	return POLICY_CLOCK_JUMPED;
}

enum policy_clock_news policy_clock_check(struct policy_clock *c)
{
	struct mono now = clock_mono(c->clock);
	bool doubted = c->doubt;

	if (!apart(c)) {
		c->doubt = false;
		/* The small steps of a span are forgotten, not each. */
		if (doubted || now.ms - c->mono.ms >=
				       POLICY_CLOCK_SPAN_S * INT64_C(1000))
			take(c, clock_now(c->clock).s);
		return doubted ? POLICY_CLOCK_CAME_BACK : POLICY_CLOCK_STEADY;
	}
	if (!doubted) {
		c->doubt = true;
		c->jumped = now;
		return POLICY_CLOCK_JUMPED;
	}
	if (now.ms - c->jumped.ms < POLICY_CLOCK_DOUBT_S * INT64_C(1000))
		return POLICY_CLOCK_STEADY;
	c->doubt = false;
	take(c, clock_now(c->clock).s);
	return POLICY_CLOCK_TAKEN;
}

int64_t policy_clock_now(const struct policy_clock *c)
{
	return c->doubt || apart(c) ? carried(c) : clock_now(c->clock).s;
}

int64_t policy_clock_stamp(const struct policy_clock *c)
{
	int64_t now = policy_clock_now(c), utc = clock_now(c->clock).s;

	return utc > now ? utc : now;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* day_hours: HH:MM-HH:MM. */
#include "base/day_hours.h"

#include "base/clock.h"
#include "base/num.h"

#include "base/poison.h"

static enum status parse_time(struct str s, int64_t *out)
{
	struct str hour = str_cut(&s, ':');
	uint32_t h, m;

	if (hour.n != 2 || s.p == NULL || s.n != 2 ||
		num_u32(hour, 0, 23, &h) != ST_OK ||
		num_u32(s, 0, 59, &m) != ST_OK)
		return ST_INVALID;
	*out = (int64_t)h * 3600 + (int64_t)m * 60;
	return ST_OK;
}

enum status day_hours_parse(struct str text, struct day_hours *out)
{
	struct day_hours q = {};
	struct str from;

	if (text.n > 0) {
		from = str_cut(&text, '-');
		if (text.p == NULL || parse_time(from, &q.from_s) != ST_OK ||
			parse_time(text, &q.to_s) != ST_OK)
			return ST_INVALID;
	}
	*out = q;
	return ST_OK;
}

int64_t day_hours_end(const struct day_hours *q, int64_t now)
{
	int64_t length = q->to_s - q->from_s;
	int64_t since = now % UTC_DAY_S - q->from_s;

	if (length < 0)
		length += UTC_DAY_S;
	if (since < 0)
		since += UTC_DAY_S;
	return since < length ? now + length - since : now;
}

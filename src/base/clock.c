/* SPDX-License-Identifier: Apache-2.0 */
/* clock: machine time, and RFC 3339 without the C library's time zones. */
#include <time.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/num.h"

#include "base/poison.h"

static struct mono system_mono(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	BUG(clock_gettime(CLOCK_MONOTONIC, &ts) != 0);
	return (struct mono){ (int64_t)ts.tv_sec * 1000 +
			      ts.tv_nsec / 1000000 };
}

static struct unix_time system_now(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	BUG(clock_gettime(CLOCK_REALTIME, &ts) != 0);
	return (struct unix_time){ ts.tv_sec };
}

const struct clock *clock_system(void)
{
	static const struct clock c = { system_mono, system_now, NULL };

	return &c;
}

struct mono clock_mono(const struct clock *c)
{
	return c->mono(c->ctx);
}

struct unix_time clock_now(const struct clock *c)
{
	return c->now(c->ctx);
}

static bool is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int month_days(int64_t y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return m == 2 && is_leap(y) ? 29 : days[m - 1];
}

/* Days from 1970-01-01 to a date, counting years from March. */
static int64_t days_of(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct utc_date utc_date_of(struct unix_time t)
{
	int64_t s = t.s < UTC_MIN ? UTC_MIN : t.s > UTC_MAX ? UTC_MAX : t.s;
	int64_t day = s / UTC_DAY_S - (s % UTC_DAY_S < 0);
	int64_t in_day = s - day * UTC_DAY_S;
	int64_t z = day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);

	return (struct utc_date){
		.year = (int)(yoe + era * 400 + (month <= 2)),
		.month = month,
		.day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.hour = (int)(in_day / 3600),
		.minute = (int)(in_day / 60 % 60),
		.second = (int)(in_day % 60),
	};
}

enum status utc_time_of(struct utc_date d, struct unix_time *out)
{
	if (d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 ||
		d.day < 1 || d.day > month_days(d.year, d.month))
		return ST_INVALID;
	if (d.hour < 0 || d.hour > 23 || d.minute < 0 || d.minute > 59 ||
		d.second < 0 || d.second > 59)
		return ST_INVALID;
	out->s = days_of(d.year, d.month, d.day) * UTC_DAY_S + d.hour * 3600 +
		 d.minute * 60 + d.second;
	return ST_OK;
}

void utc_write(struct sbuf *b, struct unix_time t)
{
	struct utc_date d = utc_date_of(t);

	sbuf_fmt(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day,
		d.hour, d.minute, d.second);
}

void utc_write_compact(struct sbuf *b, struct unix_time t)
{
	struct utc_date d = utc_date_of(t);

	sbuf_fmt(b, "%04d%02d%02dT%02d%02d%02dZ", d.year, d.month, d.day,
		d.hour, d.minute, d.second);
}

/* Takes n digits off *s. */
static bool digits(struct str *s, size_t n, int *out)
{
	uint32_t v;

	if (s->n < n || num_u32(str_upto(*s, n), 0, 9999, &v) != ST_OK)
		return false;
	*out = (int)v;
	*s = str_from(*s, n);
	return true;
}

static bool one_of(struct str *s, const char *chars)
{
	if (s->n == 0 || str_index(str_of(chars), s->p[0]) < 0)
		return false;
	*s = str_from(*s, 1);
	return true;
}

/* "Z", "+hh:mm", or nothing at all. */
static bool offset(struct str *s, bool *zoned, int *minutes)
{
	bool minus = s->n > 0 && s->p[0] == '-';
	int h, m;

	*minutes = 0;
	*zoned = s->n > 0;
	if (s->n == 0 || one_of(s, "Zz"))
		return true;
	if (!one_of(s, "+-") || !digits(s, 2, &h) || !one_of(s, ":") ||
		!digits(s, 2, &m) || h > 23 || m > 59)
		return false;
	*minutes = minus ? -(h * 60 + m) : h * 60 + m;
	return true;
}

enum status utc_parse(struct str s, bool *zoned, struct unix_time *out)
{
	struct unix_time t;
	struct utc_date d;
	bool has_zone;
	int minutes;

	if (!digits(&s, 4, &d.year) || !one_of(&s, "-") ||
		!digits(&s, 2, &d.month) || !one_of(&s, "-") ||
		!digits(&s, 2, &d.day) || !one_of(&s, "Tt ") ||
		!digits(&s, 2, &d.hour) || !one_of(&s, ":") ||
		!digits(&s, 2, &d.minute) || !one_of(&s, ":") ||
		!digits(&s, 2, &d.second))
		return ST_INVALID;
	if (one_of(&s, ".")) {
		if (s.n == 0 || !chr_is_digit(s.p[0]))
			return ST_INVALID;
		while (s.n > 0 && chr_is_digit(s.p[0]))
			s = str_from(s, 1);
	}
	if (!offset(&s, &has_zone, &minutes) || s.n > 0)
		return ST_INVALID;
	if (!has_zone && zoned == NULL)
		return ST_INVALID;
	if (d.second == 60)
		d.second = 59;
	if (utc_time_of(d, &t) != ST_OK)
		return ST_INVALID;
	t.s -= minutes * 60;
	if (t.s < UTC_MIN || t.s > UTC_MAX)
		return ST_INVALID;
	if (zoned != NULL)
		*zoned = has_zone;
	*out = t;
	return ST_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: two times that never mix. Waits use struct mono; what is stored or
 * shown uses struct unix_time, UTC seconds. Code takes a struct clock, so that
 * a test can hold the time still.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

struct mono {
	int64_t ms; /* since an arbitrary start */
};

struct unix_time {
	int64_t s; /* since 1970-01-01T00:00:00Z */
};

struct clock {
	struct mono (*mono)(void *ctx);
	struct unix_time (*now)(void *ctx);
	void *ctx;
};

/* The machine's clock. */
const struct clock *clock_system(void);

struct mono clock_mono(const struct clock *c);
struct unix_time clock_now(const struct clock *c);

#define UTC_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define UTC_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define UTC_DAY_S INT64_C(86400)

struct utc_date {
	int year, month, day; /* month 1-12, day 1-31 */
	int hour, minute, second;
};

/* The calendar date of t; t is clamped to UTC_MIN..UTC_MAX. */
struct utc_date utc_date_of(struct unix_time t);

/* The time of a date whose fields are in range (ST_INVALID otherwise). */
enum status utc_time_of(struct utc_date d, struct unix_time *out);

/* "2026-11-21T19:40:00Z" (RFC 3339). */
void utc_write(struct sbuf *b, struct unix_time t);

/* "20261121T194000Z": the id of an MTA-STS policy (RFC 8461 section 3.1). */
void utc_write_compact(struct sbuf *b, struct unix_time t);

/*
 * Reads an RFC 3339 date-time; fractions of a second are dropped, an offset is
 * applied, a leap second is read as :59. Without a zone it reads UTC and sets
 * *zoned to false (zoned may be NULL: then a zone is required). ST_INVALID on
 * anything else.
 */
enum status utc_parse(struct str s, bool *zoned, struct unix_time *out);

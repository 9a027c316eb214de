/* SPDX-License-Identifier: Apache-2.0 */
/* day_hours: a stretch of each day, in UTC; it may go over midnight. */
#pragma once

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct day_hours {
	int64_t from_s, to_s; /* of the day; equal: no time at all */
};

/* "22:00-06:00"; empty: none. ST_INVALID on anything else. */
enum status day_hours_parse(struct str text, struct day_hours *out);

/* now, or when the hours end that now lies in. */
int64_t day_hours_end(const struct day_hours *q, int64_t now);

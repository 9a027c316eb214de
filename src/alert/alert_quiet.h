/* SPDX-License-Identifier: Apache-2.0 */
/* alert_quiet: the hours of each day, in UTC, in which no mail is sent. */
#pragma once

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct alert_quiet {
	int64_t from_s, to_s; /* of the day; equal: no quiet hours */
};

/* "22:00-06:00"; empty: none. ST_INVALID on anything else. */
enum status alert_quiet_parse(struct str text, struct alert_quiet *out);

/* now, or when the quiet hours end that now lies in. */
int64_t alert_quiet_end(const struct alert_quiet *q, int64_t now);

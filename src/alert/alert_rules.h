/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_rules: what the facts of reports mean, as findings; each finding is the
 * matter of one alert. Pure: the same facts give the same findings, so that an
 * alert is open exactly as long as its finding is there.
 *
 * A report that nothing proves (RFC 8460 section 3, no DKIM) makes findings of
 * the kind STORE_ALERT_UNPROVEN only, and ends none.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "store/alert.h"

struct alert_rules {
	int64_t share; /* failed sessions in percent, 0: no such rule */
	int64_t share_sessions; /* the least there must be for that */
	int64_t silent_s;	/* without a report, 0: no such rule */
};

/* A reporter that had reports on fewer days is not waited for. */
#define ALERT_SILENT_DAYS_MIN 3
#define ALERT_FINDINGS_MAX 200u
#define ALERT_ITEM_BYTES_MAX 100u

struct alert_finding {
	enum store_alert_kind kind;
	struct str item;
	struct str what; /* a sentence, printable ASCII */
};

struct alert_findings {
	struct alert_finding *items;
	size_t n, cap;
};

/* Of one domain. Aborts when memory is used up. */
struct alert_findings alert_rules_run(const struct alert_rules *r,
	struct arena *a, const struct store_alert_facts *f, int64_t now);

/* Of reports that could not be read, n of them. */
struct alert_findings alert_rules_unread(struct arena *a, int64_t n);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_watch: opens and closes alerts by what the database knows. A step that
 * finds the same again writes nothing, so it may be done at any time, by a
 * process that was just started as well.
 */
#pragma once

#include "alert/alert_rules.h"
#include "alert/alert_tell.h"
#include "base/clock.h"

struct alert_watch_options {
	struct alert_rules rules;
	struct alert_tell_options tell;
	int64_t window_s;   /* older reports say nothing any more */
	int64_t cooldown_s; /* after closing, before it is told anew */
	int64_t keep_s;	    /* closed alerts */
	bool unproven;	    /* tell of what nothing proves, too */
};

struct alert_watch {
	struct alert_watch_options o;
	struct store *store;
	const struct clock *clock;
	struct str last; /* the newest report that was looked at */
	char last_bytes[64];
	int64_t all_at; /* when every domain is looked at again */
	int64_t unread; /* how many there were at the last look */
};

/*
 * Looks at the domains with new reports, and at all once an hour. Statuses of
 * the store. After ST_TEMP the next call begins where this one did; a domain
 * that fails otherwise holds up no other, and is looked at within an hour.
 */
enum status alert_watch_step(struct alert_watch *w, struct err *e);

/* SPDX-License-Identifier: Apache-2.0 */
/* reverse_names: a few questions now and then. */
#include "intake/reverse_names.h"

#include "store/report_view.h"

#include "base/poison.h"

#define HOUR_S 3600
#define PAUSE_S 10 /* when all names are known, or nobody answers */

/*
 * A failed look-up is written so that its month ends tomorrow: no name server
 * that never answers keeps the others waiting.
 */
static enum status look_up(struct reverse_names *r, struct str address,
	bool *answered, struct err *e)
{
	int64_t now = clock_now(r->clock).s;
	struct store_reverse_name row = { .address = address, .looked = now };
	struct arena *a = arena_must(0);
	struct probe_finding f;
	enum status st;

	probe_reverse(&r->probe, a, address, &f);
	*answered = f.evidence != NULL;
	if (f.n_found > 0)
		row.name = f.found[0];
	if (f.result == PROBE_PASS)
		row.state = STORE_REVERSE_CONFIRMED;
	else if (f.result == PROBE_FAIL && f.n_found > 0)
		row.state = STORE_REVERSE_UNCONFIRMED;
	else if (f.result == PROBE_UNKNOWN)
		row.looked -= REVERSE_NAMES_KEEP_S - REVERSE_NAMES_AGAIN_S;
	st = store_reverse_name_put(r->store, &row, e);
	arena_free(&a);
	return st;
}

static bool may_go_on(struct reverse_names *r, int64_t now)
{
	if (now / HOUR_S != r->hour) {
		r->hour = now / HOUR_S;
		r->done = 0;
	}
	return r->done < REVERSE_NAMES_HOUR && !r->stop(r->stop_ctx);
}

enum status reverse_names_step(struct reverse_names *r, struct err *e)
{
	int64_t now = clock_now(r->clock).s;
	int64_t since = now - REVERSE_NAMES_KEEP_S;
	struct store_strs wanted = {};
	bool answered = true;
	struct arena *a;
	enum status st;

	if (now < r->next_at || !may_go_on(r, now))
		return ST_OK;
	a = arena_must(0);
	st = store_reverse_name_wanted(r->store, a, since / UTC_DAY_S, since,
		REVERSE_NAMES_BATCH, &wanted, e);
	for (size_t i = 0;
		st == ST_OK && answered && i < wanted.n && may_go_on(r, now);
		i++) {
		st = look_up(r, wanted.items[i], &answered, e);
		r->done++;
	}
	if (st == ST_OK && wanted.n == 0)
		st = store_reverse_name_prune(
			r->store, since - REVERSE_NAMES_KEEP_S, e);
	if (wanted.n == 0 || !answered)
		r->next_at = now + PAUSE_S;
	arena_free(&a);
	return st;
}

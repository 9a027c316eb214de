/* SPDX-License-Identifier: Apache-2.0 */
/* engine: asks from beginning to end, and the time. */
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

#define NOTE_S 3600 /* the time is written down so often */

int64_t mono_ms(const struct engine *e)
{
	return clock_mono(e->o.clock).ms;
}

int64_t engine_now(const struct engine *e)
{
	return policy_clock_now(&e->clock);
}

/* ---- links ---- */

void link_init(struct engine_ask_link *head)
{
	head->next = head->prev = head;
}

void link_add(struct engine_ask_link *head, struct engine_ask_link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

void link_remove(struct engine_ask_link *l)
{
	if (l->next == NULL)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->next = l->prev = NULL;
}

bool link_empty(const struct engine_ask_link *head)
{
	return head->next == head;
}

/* ---- answering ---- */

static void free_arena(void *ctx)
{
	struct arena *a = ctx;

	arena_free(&a);
}

static void unlink_ask(struct engine_ask *ask)
{
	link_remove(&ask->by_time);
	link_remove(&ask->by_sts);
	link_remove(&ask->by_dane);
}

void engine_ask_cancel(struct engine_ask *ask)
{
	if (ask->engine == NULL)
		return;
	unlink_ask(ask);
	loop_defer(ask->engine->o.loop, free_arena, ask->arena);
	ask->engine->stats.waiting--;
	ask->engine = NULL;
}

static void answer(struct engine_ask *ask)
{
	struct engine *e = ask->engine;
	struct site *s = site_get(e, ask->domain.name);
	struct hop *h = site_hop(e, s, &ask->domain, true);
	struct engine_answer out;

	/* The arena has no cap: nothing can be too large. */
	BUG(answer_make(e, ask->arena, &ask->profile, &ask->domain, s, h, ask,
		    &out) != ST_OK);
	e->stats.late += ask->late;
	e->stats.waiting--;
	unlink_ask(ask);
	ask->engine = NULL;
	loop_defer(e->o.loop, free_arena, ask->arena);
	ask->fn(ask->ctx, &out);
}

static void on_ready(void *ctx)
{
	struct engine *e = ctx;
	struct engine_ask_link now;

	/* Only those there are: what they ask in turn comes later. */
	if (link_empty(&e->ready))
		return;
	now = e->ready;
	now.next->prev = now.prev->next = &now;
	link_init(&e->ready);
	while (!link_empty(&now))
		answer(ASK_OF(now.next, by_time));
}

static void be_ready(struct engine_ask *ask)
{
	struct engine *e = ask->engine;

	unlink_ask(ask);
	link_add(&e->ready, &ask->by_time);
	loop_task_start(&e->task, e->o.loop, on_ready, e);
}

void ask_goes_on(struct engine_ask *ask)
{
	if (!ask->wait_sts && !ask->wait_dane)
		be_ready(ask);
}

void asks_of_sts_go_on(struct engine_ask_link *asks)
{
	while (!link_empty(asks)) {
		struct engine_ask *ask = ASK_OF(asks->next, by_sts);

		link_remove(&ask->by_sts);
		ask->wait_sts = false;
		ask_goes_on(ask);
	}
}

void asks_of_dane_go_on(struct engine_ask_link *asks)
{
	while (!link_empty(asks)) {
		struct engine_ask *ask = ASK_OF(asks->next, by_dane);

		link_remove(&ask->by_dane);
		ask->wait_dane = false;
		ask_goes_on(ask);
	}
}

void ask_tell(struct engine_ask *ask, const struct engine_step *step)
{
	if (ask->step != NULL)
		ask->step(ask->ctx, step);
}

/* ---- asking ---- */

static void on_timer(void *ctx)
{
	engine_tick(ctx);
}

static void set_timer(struct engine *e)
{
	bool busy = !link_empty(&e->by_time);

	loop_timer_start(&e->timer, e->o.loop, busy ? TICK_BUSY_MS : TICK_MS,
		on_timer, e);
}

void engine_ask_start(struct engine_ask *ask, struct engine *e,
	const struct engine_profile *profile,
	const struct policy_domain *domain, enum engine_how how,
	engine_ask_fn *fn, void *ctx)
{
	engine_step_fn *step = ask->step;
	struct site *s;
	struct hop *h;

	BUG(ask->engine != NULL);
	*ask = (struct engine_ask){ .engine = e,
		.profile = *profile,
		.domain = *domain,
		.how = how,
		.step = step,
		.fn = fn,
		.ctx = ctx,
		.arena = arena_must(0) };
	ask->profile.name = arena_str(ask->arena, profile->name);
	ask->domain.name = arena_str(ask->arena, domain->name);
	ask->deadline.ms = mono_ms(e) + e->o.answer_ms;
	e->stats.asks++;
	e->stats.waiting++;
	if (link_empty(&e->by_time))
		loop_timer_start(
			&e->timer, e->o.loop, TICK_BUSY_MS, on_timer, e);
	link_add(&e->by_time, &ask->by_time);
	s = site_get(e, ask->domain.name);
	h = site_hop(e, s, &ask->domain, true);
	if (how != ENGINE_USUAL || !sts_known(e, s))
		sts_ask(e, s, ask);
	if (how != ENGINE_USUAL || !dane_known(e, h))
		dane_ask(e, s, h, ask);
	ask_goes_on(ask);
}

enum status engine_ask_now(struct engine *e, struct arena *a,
	const struct engine_profile *profile,
	const struct policy_domain *domain, struct engine_answer *out)
{
	struct site *s = site_find(e, domain->name);
	struct hop *h = s == NULL ? NULL : site_hop(e, s, domain, false);
	enum status st;

	if (h == NULL || !sts_known(e, s) || !dane_known(e, h))
		return ST_AGAIN;
	site_touch(e, s, s->live);
	st = answer_make(e, a, profile, domain, s, h, NULL, out);
	e->stats.asks += st == ST_OK;
	e->stats.asks_now += st == ST_OK;
	return st;
}

/* ---- time ---- */

static void answer_late(struct engine *e)
{
	int64_t now = mono_ms(e);

	while (!link_empty(&e->by_time)) {
		struct engine_ask *ask = ASK_OF(e->by_time.next, by_time);

		if (ask->deadline.ms > now)
			return;
		ask->late = true;
		be_ready(ask);
	}
}

static void told_of_clock(struct engine *e, enum policy_clock_news news)
{
	char text[128];
	struct sbuf b = sbuf_fixed(text, sizeof(text) - 1);

	sbuf_addz(&b, "the UTC clock says ");
	utc_write(&b, clock_now(e->o.clock));
	sbuf_addz(&b, ", by the monotonic clock it is ");
	utc_write(&b, (struct unix_time){ engine_now(e) });
	text[b.n] = '\0';
	if (news == POLICY_CLOCK_JUMPED)
		event_tell(e, ENGINE_CLOCK_JUMPED, (struct str){}, text);
	if (news == POLICY_CLOCK_TAKEN || news == POLICY_CLOCK_CAME_BACK) {
		event_tell(e, ENGINE_CLOCK_TAKEN, (struct str){}, text);
		event_changed(e, (struct str){});
	}
}

static void note_time(struct engine *e)
{
	int64_t now = engine_now(e);

	if (e->clock.doubt || (e->noted != 0 && now - e->noted < NOTE_S))
		return;
	e->noted = now;
	policy_cache_note(e->o.cache, now);
}

void engine_tick(struct engine *e)
{
	answer_late(e);
	if (mono_ms(e) >= e->next_second.ms) {
		e->next_second.ms = mono_ms(e) + TICK_MS;
		told_of_clock(e, policy_clock_check(&e->clock));
		note_time(e);
		refresh_due(e);
	}
	set_timer(e);
}

/* ---- the cache ---- */

static void on_cache(void *ctx, unsigned ready)
{
	struct engine *e = ctx;
	policy_change durable;
	struct err err = {};
	enum status st = policy_cache_settle(e->o.cache, &durable, &err);
	bool failing = st != ST_OK;

	(void)ready;
	if (failing != e->cache_failing)
		event_tell(e,
			failing ? ENGINE_CACHE_FAILED : ENGINE_CACHE_AGAIN,
			(struct str){}, err.text);
	e->cache_failing = failing;
	sts_settled(e, durable);
}

/* ---- beginning and end ---- */

static void told_of_cache(struct engine *e)
{
	struct policy_cache_stats s;

	policy_cache_stats(e->o.cache, &s);
	if (!s.was_damaged)
		return;
	LOG(LOG_ERROR, "cache.replaced", KV_Z("moved_to", s.moved_to),
		KV_INT("saved", (int64_t)s.saved),
		KV_INT("lost", (int64_t)s.lost));
	event_tell(e, ENGINE_CACHE_DAMAGED, (struct str){},
		"the policy cache was damaged and was moved aside");
}

struct engine *engine_new(const struct engine_options *o)
{
	struct engine *e = mem_must(sizeof(*e));

	e->o = *o;
	e->sites = map_new();
	e->sts_queue = fair_queue_new(GROUP_RUNNING_MAX);
	e->dane_queue = fair_queue_new(GROUP_RUNNING_MAX);
	link_init(&e->by_time);
	link_init(&e->ready);
	e->next_second.ms = mono_ms(e);
	told_of_clock(e, policy_clock_init(&e->clock, o->clock,
				 policy_cache_noted(o->cache)));
	told_of_cache(e);
	loop_io_start(
		&e->cache_io, o->loop, o->cache_fd, LOOP_READ, on_cache, e);
	set_timer(e);
	return e;
}

static void cancel_list(struct engine_ask_link *head)
{
	while (!link_empty(head))
		engine_ask_cancel(ASK_OF(head->next, by_time));
}

void engine_free(struct engine **ep)
{
	struct engine *e = *ep;

	if (e == NULL)
		return;
	e->o.hooks = (struct engine_hooks){};
	cancel_list(&e->by_time);
	cancel_list(&e->ready);
	for (int i = 0; i < 2; i++) {
		struct site_list *l = i == 0 ? &e->live : &e->negative;

		while (l->newest != NULL) {
			struct site *s = l->newest;

			sts_cancel(e, s);
			for (struct hop *h = s->hops; h != NULL; h = h->next)
				dane_cancel(e, h);
			site_free(e, s);
		}
	}
	loop_io_stop(&e->cache_io);
	loop_timer_stop(&e->timer);
	loop_task_stop(&e->task);
	fair_queue_free(&e->sts_queue);
	fair_queue_free(&e->dane_queue);
	map_free(&e->sites);
	mem_free(e);
	*ep = NULL;
}

void engine_stats(const struct engine *e, struct engine_stats *out)
{
	*out = e->stats;
	out->running_sts = e->running_sts + e->refreshes;
	out->running_dane = e->running_dane;
	out->negative = e->negative.n;
	out->live = e->live.n;
}

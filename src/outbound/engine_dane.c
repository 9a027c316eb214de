/* SPDX-License-Identifier: Apache-2.0 */
/* engine_dane: one look-up for each hop asked about, believed for its TTL. */
#include "base/mem.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

bool dane_known(const struct engine *e, const struct hop *h)
{
	return h->memo != NULL && mono_ms(e) < h->until_ms;
}

static void leave(struct dane_job *job)
{
	struct engine *e = job->engine;

	if (!job->queued)
		e->running_dane--;
	fair_queue_done(e->dane_queue, &job->item);
	job->hop->job = NULL;
	loop_defer(e->o.loop, mem_free, job);
}

/* Mail waits while nobody can tell whether there is DANE. */
static void tell_trouble(
	struct engine *e, struct dane_job *job, const struct dane_result *r)
{
	struct site *s = job->site;
	bool temp = r->state == DANE_TEMP;
	const char *why = temp ? "it cannot be looked up whether there is DANE"
			       : "DANE could be looked up again";

	if (temp == event_in_trouble(s, job->hop, ENGINE_TROUBLE_DANE))
		return;
	event_tell(e, temp ? ENGINE_DANE_TEMP : ENGINE_DANE_AGAIN, site_name(s),
		r->why.text);
	event_trouble(e, s, job->hop, ENGINE_TROUBLE_DANE, temp, why);
	if (!temp)
		event_may_go(e, s, why);
	event_changed(e, site_name(s));
}

static void on_dane(void *ctx, const struct dane_result *r)
{
	struct dane_job *job = ctx;
	struct engine *e = job->engine;
	struct hop *h = job->hop;
	struct site *s = job->site;
	struct engine_step step = {
		.kind = ENGINE_STEP_DANE, .note = "", .dane = r
	};
	struct engine_ask_link asks, *l;

	job->handle = NULL;
	e->stats.danes++;
	link_init(&asks);
	while (!link_empty(&job->asks)) {
		l = job->asks.next;
		ASK_OF(l, by_dane)->told_dane = true;
		ask_tell(ASK_OF(l, by_dane), &step);
		link_remove(l);
		link_add(&asks, l);
	}
	mem_free(h->memo);
	h->memo = dane_memo_of(r);
	h->until_ms = mono_ms(e) +
		      (r->ttl_s == 0 ? 1 : r->ttl_s) * INT64_C(1000);
	tell_trouble(e, job, r);
	leave(job);
	site_touch(
		e, s, s->live || r->state == DANE_ALL || r->state == DANE_SOME);
	asks_of_dane_go_on(&asks);
	dane_run(e);
}

void dane_run(struct engine *e)
{
	size_t strangers = e->o.max_running - e->o.max_running / 4;

	while (e->running_dane < e->o.max_running) {
		struct fair_item *item = fair_queue_take(
			e->dane_queue, e->running_dane < strangers);
		struct dane_job *job = (struct dane_job *)item;
		struct policy_domain domain;

		if (item == NULL)
			return;
		domain = (struct policy_domain){ site_name(job->site),
			job->hop->is_host, job->hop->port };
		e->running_dane++;
		job->queued = false;
		job->handle = e->o.world->dane(
			e->o.world->ctx, &domain, on_dane, job);
	}
}

void dane_ask(
	struct engine *e, struct site *s, struct hop *h, struct engine_ask *ask)
{
	struct dane_job *job = h->job;

	if (job == NULL) {
		/* Those with a host or port of their own could be many. */
		bool usual = !h->is_host && h->port == SMTP_PORT;

		if (!(s->live && usual) &&
			fair_queue_count(e->dane_queue) >= e->o.max_waiting) {
			event_tell(e, ENGINE_BUSY, site_name(s),
				"more domains wait to be looked up than may");
			ask->late = true;
			return;
		}
		job = mem_must(sizeof(*job));
		job->engine = e;
		job->site = s;
		job->hop = h;
		job->queued = true;
		link_init(&job->asks);
		h->job = job;
		fair_queue_add(
			e->dane_queue, &job->item, s->live, site_group(e, s));
	}
	ask->wait_dane = true;
	link_add(&job->asks, &ask->by_dane);
	dane_run(e);
}

void dane_cancel(struct engine *e, struct hop *h)
{
	struct dane_job *job = h->job;

	if (job == NULL)
		return;
	if (!job->queued)
		e->o.world->dane_cancel(e->o.world->ctx, job->handle);
	leave(job);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_sts: one job for each domain asked about: its turn, the record, the
 * policy if it must be fetched, the disk.
 */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

bool sts_known(const struct engine *e, const struct site *s)
{
	return s->asked && mono_ms(e) < s->until_ms;
}

static void tell_all(struct sts_job *job, const struct engine_step *step)
{
	struct engine_ask_link *l = job->asks.next;

	for (; l != &job->asks; l = l->next) {
		ASK_OF(l, by_sts)->told_sts = true;
		ask_tell(ASK_OF(l, by_sts), step);
	}
}

/* ---- the end ---- */

/* For how long the record is believed. */
static int64_t believe_ms(const struct sts_job *job, bool in_force)
{
	const struct engine_options *o = &job->engine->o;
	int64_t s = o->grace_s;

	if (in_force || (!job->temp && job->outcome == STS_RECORD_VALID))
		return s * 1000;
	if (job->temp)
		return TEMP_WAIT_S * 1000;
	s = job->ttl_s < NEGATIVE_MIN_S ? NEGATIVE_MIN_S : (int64_t)job->ttl_s;
	return (s > o->negative_s ? o->negative_s : s) * 1000;
}

static void on_disk_remove(struct sts_job *job)
{
	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		job->engine->on_disk = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	job->next = job->prev = NULL;
}

static void refreshing_remove(struct sts_job *job)
{
	struct sts_job **at = &job->engine->refreshing;

	while (*at != job)
		at = &(*at)->next_refresh;
	*at = job->next_refresh;
	job->engine->refreshes--;
}

static void leave(struct sts_job *job)
{
	struct engine *e = job->engine;

	if (job->stage == JOB_DISK)
		on_disk_remove(job);
	if (job->refresh)
		refreshing_remove(job);
	else if (job->stage != JOB_QUEUED)
		e->running_sts--;
	fair_queue_done(e->sts_queue, &job->item);
	job->site->job = NULL;
	loop_defer(e->o.loop, mem_free, job);
}

static void end(struct sts_job *job)
{
	struct engine *e = job->engine;
	struct site *s = job->site;
	struct arena *a = arena_must(0);
	struct policy_entry entry;
	bool in_force = false;
	struct engine_ask_link asks;

	(void)(policy_now(e, s, a, &entry, &in_force) == ST_OK);
	arena_free(&a);
	s->asked = true;
	s->until_ms = mono_ms(e) + believe_ms(job, in_force);
	if (!in_force && (job->temp || job->outcome != STS_RECORD_VALID))
		s->failed = false;
	link_init(&asks);
	while (!link_empty(&job->asks)) {
		struct engine_ask_link *l = job->asks.next;

		link_remove(l);
		link_add(&asks, l);
	}
	leave(job);
	site_touch(e, s, s->live || in_force);
	asks_of_sts_go_on(&asks);
	sts_run(e);
}

/* ---- the disk ---- */

/* What a mail server is told must not be forgotten by a crash. */
static void wait_for_disk(struct sts_job *job)
{
	struct engine *e = job->engine;

	job->stage = JOB_DISK;
	job->prev = NULL;
	job->next = e->on_disk;
	if (e->on_disk != NULL)
		e->on_disk->prev = job;
	e->on_disk = job;
}

void sts_settled(struct engine *e, policy_change durable)
{
	struct sts_job *job, *next;

	for (job = e->on_disk; job != NULL; job = next) {
		next = job->next;
		/* A disk that fails must not hold up mail: the policy is in
		 * memory, and in force. */
		if (job->change <= durable || e->cache_failing)
			end(job);
	}
}

/* ---- the policy ---- */

static void on_fetch(void *ctx, const struct sts_fetch_result *r)
{
	struct sts_job *job = ctx;
	struct engine *e = job->engine;
	struct engine_step step = {
		.kind = ENGINE_STEP_FETCH, .note = "", .fetch = r
	};

	job->handle = NULL;
	e->stats.fetches++;
	tell_all(job, &step);
	if (r->fetched) {
		policy_fetched(e, job, r);
	} else {
		e->stats.fetches_failed++;
		policy_failed(e, job, r);
	}
	if (job->change > 0 && !e->cache_failing)
		wait_for_disk(job);
	else
		end(job);
}

static const char *no_record(const struct sts_job *job)
{
	if (job->temp)
		return "nobody knows whether there is a record";
	return job->outcome == STS_RECORD_NONE
		       ? "there is no record"
		       : "there is no record that can be used";
}

/* Why the policy is not fetched; NULL: it must be. */
static const char *no_fetch(
	struct sts_job *job, const struct policy_entry *entry, bool in_force)
{
	struct engine *e = job->engine;
	struct site *s = job->site;
	struct str id = { job->id, job->id_n };
	struct str failed = { s->failed_id, s->failed_id_n };
	bool valid = !job->temp && job->outcome == STS_RECORD_VALID;

	/* With nothing cached, as after a purge, there is nothing to keep. */
	if (in_force && policy_pinned(e, site_name(s)))
		return "the cached policy is pinned by a rule";
	if (job->force || job->refresh)
		return valid || in_force ? NULL : no_record(job);
	if (!valid)
		return in_force ? "the cached policy stays in force until its "
				  "max_age is over (RFC 8461 section 3.3)"
				: no_record(job);
	if (in_force && str_eq(id, entry->id))
		return "the record's id is that of the cached policy";
	if (failed.n > 0 && str_eq(id, failed) && mono_ms(e) < s->fail_until_ms)
		return "the last try failed a short while ago (RFC 8461 "
		       "section 3.3)";
	return NULL;
}

static void on_record(void *ctx, const struct sts_record_result *r)
{
	struct sts_job *job = ctx;
	struct engine *e = job->engine;
	struct engine_step step = {
		.kind = ENGINE_STEP_RECORD, .note = "", .record = r
	};
	struct arena *a = arena_must(0);
	struct policy_entry entry;
	bool in_force, any;

	job->handle = NULL;
	e->stats.records++;
	job->temp = r->temp;
	job->outcome = r->outcome;
	job->ttl_s = r->ttl_s;
	job->id_n = 0;
	if (!r->temp && r->outcome == STS_RECORD_VALID) {
		BUG(r->id.n > sizeof(job->id));
		memcpy(job->id, r->id.p, r->id.n);
		job->id_n = (uint8_t)r->id.n;
	}
	tell_all(job, &step);
	any = policy_now(e, job->site, a, &entry, &in_force) == ST_OK;
	policy_seen(e, job, r, any ? &entry : NULL);
	step = (struct engine_step){ .kind = ENGINE_STEP_FETCH };
	step.note = no_fetch(job, &entry, any && in_force);
	arena_free(&a);
	if (step.note == NULL) {
		job->stage = JOB_FETCH;
		job->handle = e->o.world->fetch(
			e->o.world->ctx, site_name(job->site), on_fetch, job);
		return;
	}
	tell_all(job, &step);
	end(job);
}

/* ---- the beginning ---- */

static void start(struct sts_job *job)
{
	struct engine *e = job->engine;

	job->stage = JOB_RECORD;
	job->handle = e->o.world->record(
		e->o.world->ctx, site_name(job->site), on_record, job);
}

void sts_run(struct engine *e)
{
	size_t strangers = e->o.max_running - e->o.max_running / 4;

	while (e->running_sts < e->o.max_running) {
		struct fair_item *item = fair_queue_take(
			e->sts_queue, e->running_sts < strangers);

		if (item == NULL)
			return;
		e->running_sts++;
		start((struct sts_job *)item); /* its first member */
	}
}

static struct sts_job *job_new(struct engine *e, struct site *s)
{
	struct sts_job *job = mem_must(sizeof(*job));

	job->engine = e;
	job->site = s;
	link_init(&job->asks);
	s->job = job;
	return job;
}

static bool in_cache(struct engine *e, struct site *s)
{
	struct arena *a = arena_must(0);
	struct policy_entry entry;
	bool in_force;
	bool any = policy_now(e, s, a, &entry, &in_force) == ST_OK;

	arena_free(&a);
	return any;
}

void sts_ask(struct engine *e, struct site *s, struct engine_ask *ask)
{
	struct sts_job *job = s->job;

	if (job == NULL) {
		bool known = in_cache(e, s);

		if (!known &&
			fair_queue_count(e->sts_queue) >= e->o.max_waiting) {
			event_tell(e, ENGINE_BUSY, site_name(s),
				"more domains wait to be looked up than may");
			ask->late = true;
			return;
		}
		job = job_new(e, s);
		fair_queue_add(
			e->sts_queue, &job->item, known, site_group(e, s));
	}
	job->force |= ask->how == ENGINE_FETCH;
	ask->wait_sts = true;
	link_add(&job->asks, &ask->by_sts);
	sts_run(e);
}

void sts_refresh(struct engine *e, struct site *s)
{
	struct sts_job *job = job_new(e, s);

	BUG(job->item.group != NULL);
	job->refresh = true;
	job->group = site_group(e, s);
	job->next_refresh = e->refreshing;
	e->refreshing = job;
	e->refreshes++;
	start(job);
}

void sts_cancel(struct engine *e, struct site *s)
{
	struct sts_job *job = s->job;

	if (job == NULL)
		return;
	if (job->stage == JOB_RECORD)
		e->o.world->record_cancel(e->o.world->ctx, job->handle);
	if (job->stage == JOB_FETCH)
		e->o.world->fetch_cancel(e->o.world->ctx, job->handle);
	leave(job);
}

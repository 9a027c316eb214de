/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_policy: what look-ups do to a cached policy. It is replaced by one
 * that was validly fetched and by nothing else (RFC 8461 sections 3.3, 5.1).
 */
#include <string.h>

#include "io/crypto.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

#define ALARM_HALF 50 /* percent of max_age that are over */
#define ALARM_LATE 90
#define RETRY_MIN_S 300
#define RETRY_DOUBLINGS 6

uint32_t random_upto(int64_t n)
{
	return crypto_random_below((uint32_t)n + 1);
}

enum status policy_now(struct engine *e, struct site *s, struct arena *a,
	struct policy_entry *out, bool *in_force)
{
	enum status st;

	*in_force = false;
	if (s->loose != NULL) {
		st = site_loose(s, a, out);
	} else {
		st = policy_cache_get(e->o.cache, a, site_name(s), out);
		if (st == ST_TEMP)
			event_tell(e, ENGINE_CACHE_DAMAGED, site_name(s),
				"what is cached of it cannot be read");
	}
	if (st != ST_OK)
		return ST_NOTFOUND;
	*in_force = engine_in_force(e, out);
	return ST_OK;
}

bool engine_in_force(struct engine *e, const struct policy_entry *entry)
{
	return engine_now(e) < policy_entry_expires(entry) ||
	       policy_pinned(e, entry->domain);
}

bool policy_pinned(struct engine *e, struct str domain)
{
	struct arena *a = arena_must(0);
	struct policy_rule rule;
	bool pinned = policy_cache_rule(e->o.cache, a, STR("*"), domain,
			      engine_now(e), &rule) == ST_OK &&
		      rule.kind == POLICY_RULE_PIN;

	arena_free(&a);
	return pinned;
}

bool policy_put(struct engine *e, struct site *s,
	const struct policy_entry *entry, policy_change *change)
{
	struct str group = e->o.suffixes == NULL ? (struct str){}
						 : site_group(e, s);
	struct err err = {};

	if (policy_cache_put(e->o.cache, entry, group, engine_now(e), change,
		    &err) == ST_OK) {
		site_tighten(e, s);
		return true;
	}
	event_tell(e, ENGINE_NOT_KEPT, site_name(s), err.text);
	site_loosen(e, s, entry);
	return false;
}

/* ---- when next ---- */

/*
 * Between half a period and a whole one from now, so that nobody can tell when
 * to stand in the way (RFC 8461 section 10.2); well within a short max_age.
 */
int64_t policy_next_refresh(
	const struct engine *e, const struct policy_entry *entry)
{
	int64_t period = e->o.refresh_s;

	if (period > entry->policy.max_age_s / 2)
		period = entry->policy.max_age_s / 2;
	if (period < 2 * RETRY_MIN_S)
		period = 2 * RETRY_MIN_S;
	return engine_now(e) + period / 2 + random_upto(period - period / 2);
}

/* After a failure: longer each time, but often enough within max_age. */
static int64_t next_retry(
	const struct engine *e, const struct policy_entry *entry)
{
	unsigned n = entry->failures < RETRY_DOUBLINGS ? entry->failures
						       : RETRY_DOUBLINGS;
	int64_t wait = (int64_t)RETRY_MIN_S << n;
	int64_t most = e->o.refresh_s / 4;

	if (most > entry->policy.max_age_s / 10)
		most = entry->policy.max_age_s / 10;
	if (wait > most)
		wait = most;
	if (wait < RETRY_MIN_S)
		wait = RETRY_MIN_S;
	return engine_now(e) + wait / 2 + random_upto(wait - wait / 2);
}

/* ---- the record ---- */

void policy_seen(struct engine *e, struct sts_job *job,
	const struct sts_record_result *r, struct policy_entry *entry)
{
	static const char back[] = "the domain announces its policy again";
	bool valid = r->outcome == STS_RECORD_VALID;

	if (r->temp || entry == NULL || entry->gone == !valid)
		return;
	entry->gone = !valid;
	if (valid) {
		event_tell(e, ENGINE_POLICY_BACK, site_name(job->site), "");
		event_trouble(
			e, job->site, NULL, ENGINE_TROUBLE_GONE, false, back);
		event_may_go(e, job->site, back);
	} else {
		event_tell(e, ENGINE_POLICY_GONE, site_name(job->site),
			r->why.text);
		if (engine_now(e) < policy_entry_expires(entry))
			event_trouble(e, job->site, NULL, ENGINE_TROUBLE_GONE,
				true,
				"the domain no longer announces a policy, and "
				"the one cached is in force");
	}
	(void)policy_put(e, job->site, entry, NULL);
}

/* ---- fetched ---- */

static bool same_policy(const struct sts_policy *a, const struct sts_policy *b)
{
	if (a->mode != b->mode || a->max_age_s != b->max_age_s ||
		a->n_mx != b->n_mx)
		return false;
	for (size_t i = 0; i < a->n_mx; i++)
		if (!str_eq(a->mx[i], b->mx[i]))
			return false;
	return true;
}

/* The history with old before it. */
static void take_history(struct arena *a, const struct policy_entry *old,
	struct policy_entry *entry)
{
	struct policy_past *past;
	size_t n = 0;

	if (str_eq(old->id, entry->id) &&
		same_policy(&old->policy, &entry->policy)) {
		entry->past = old->past;
		entry->n_past = old->n_past;
		return;
	}
	past = arena_array(a, POLICY_HISTORY_MAX, sizeof(*past));
	if (past == NULL)
		return;
	past[n++] = (struct policy_past){ old->fetched_at, old->policy.mode,
		old->id };
	for (size_t i = 0; i < old->n_past && n < POLICY_HISTORY_MAX; i++)
		past[n++] = old->past[i];
	entry->past = past;
	entry->n_past = n;
}

static struct policy_entry entry_of(struct engine *e, struct sts_job *job,
	const struct sts_fetch_result *r, const struct policy_entry *old,
	struct arena *a)
{
	bool valid = !job->temp && job->outcome == STS_RECORD_VALID;
	int64_t now = engine_now(e);
	struct policy_entry entry = { .domain = site_name(job->site),
		.policy = r->policy,
		.text = str_upto(r->text, POLICY_TEXT_BYTES_MAX),
		.fetched_at = policy_clock_stamp(&e->clock),
		.first_seen = now,
		.used_at = now,
		.gone = !job->temp && !valid };

	if (valid)
		entry.id = (struct str){ job->id, job->id_n };
	if (old != NULL) {
		if (!valid)
			entry.id = old->id;
		if (job->temp)
			entry.gone = old->gone;
		if (job->refresh)
			entry.used_at = old->used_at;
		entry.first_seen = old->first_seen;
		take_history(a, old, &entry);
	}
	entry.next_refresh = policy_next_refresh(e, &entry);
	return entry;
}

/* What mail may have waited for. Whether MX hosts match another policy is seen
 * when it is asked for. */
static void fresh(struct engine *e, struct site *s, bool same, bool told)
{
	const char *why = same ? "the policy could be fetched again"
			       : "there is a new policy";
	bool trouble = s->trouble != 0;

	event_trouble(e, s, NULL, ENGINE_TROUBLE_GONE, false, why);
	event_trouble(e, s, NULL, ENGINE_TROUBLE_ID, false, why);
	for (struct hop *h = s->hops; !same && h != NULL; h = h->next)
		event_trouble(e, s, h, ENGINE_TROUBLE_NO_MX, false, why);
	if (told || trouble)
		event_may_go(e, s, why);
}

/* What others want to know of the change. */
static void tell_change(struct engine *e, struct site *s,
	const struct policy_entry *old, const struct policy_entry *entry)
{
	bool same = old != NULL && same_policy(&old->policy, &entry->policy) &&
		    str_eq(old->id, entry->id);
	bool again = s->failures > 0 || (old != NULL && old->failures > 0);

	if (old == NULL)
		event_policy(e, ENGINE_POLICY_NEW, entry, NULL);
	else if (!same)
		event_policy(e, ENGINE_POLICY_CHANGED, entry, old);
	if (old != NULL && old->policy.mode == STS_MODE_ENFORCE &&
		entry->policy.mode != STS_MODE_ENFORCE)
		event_policy(e, ENGINE_POLICY_DOWNGRADED, entry, old);
	if (again)
		event_tell(e, ENGINE_FETCH_AGAIN, site_name(s), "");
	event_changed(e, site_name(s));
	fresh(e, s, same, (!same && old != NULL) || again);
}

void policy_fetched(
	struct engine *e, struct sts_job *job, const struct sts_fetch_result *r)
{
	struct engine_step step = { .kind = ENGINE_STEP_STORED, .note = "" };
	struct site *s = job->site;
	struct arena *a = arena_must(0);
	struct policy_entry old, entry;
	bool in_force, any;

	any = policy_now(e, s, a, &old, &in_force) == ST_OK;
	entry = entry_of(e, job, r, any ? &old : NULL, a);
	tell_change(e, s, any ? &old : NULL, &entry);
	s->failed = false;
	s->failures = 0;
	s->failed_id_n = 0;
	if (!policy_put(e, s, &entry, &job->change))
		step.note = "it is not kept: the cache does not take it";
	step.entry = &entry;
	step.in_force = engine_in_force(e, &entry);
	for (struct engine_ask_link *l = job->asks.next; l != &job->asks;
		l = l->next)
		ask_tell(ASK_OF(l, by_sts), &step);
	arena_free(&a);
}

/* ---- failed ---- */

/* Half of its life, nine tenths of it: each told once (section 10.2). */
static void alarm(struct engine *e, struct policy_entry *entry, const char *why)
{
	int64_t over = engine_now(e) - entry->fetched_at;
	int64_t percent = entry->policy.max_age_s == 0
				  ? 100
				  : over * 100 / entry->policy.max_age_s;

	if (entry->policy.mode == STS_MODE_NONE)
		return;
	if (percent >= ALARM_LATE && entry->alarm < ALARM_LATE) {
		entry->alarm = ALARM_LATE;
		event_tell(e, ENGINE_LIFE_LATE, entry->domain, why);
	} else if (percent >= ALARM_HALF && entry->alarm < ALARM_HALF) {
		entry->alarm = ALARM_HALF;
		event_tell(e, ENGINE_LIFE_HALF, entry->domain, why);
	}
}

static void cached_failed(struct engine *e, struct sts_job *job,
	struct policy_entry *entry, const char *why, bool new_id)
{
	struct str id = { job->id, job->id_n };
	int64_t now = engine_now(e);

	if (entry->failures < UINT16_MAX)
		entry->failures++;
	if (entry->failed_since == 0)
		entry->failed_since = now;
	/* A time ahead of us is of a clock that was wrong. */
	if (entry->fetched_at > now && !e->clock.doubt)
		entry->fetched_at = now;
	entry->next_refresh = next_retry(e, entry);
	if (job->refresh)
		event_tell(e, ENGINE_REFRESH_FAILED, entry->domain, why);
	if (new_id && id.n > 0 && !str_eq(id, entry->id)) {
		event_tell(e, ENGINE_ID_FLIPPED, entry->domain, why);
		event_trouble(e, job->site, NULL, ENGINE_TROUBLE_ID, true,
			"the domain announces a new policy that cannot be "
			"fetched, and the one cached is in force");
	}
	alarm(e, entry, why);
	(void)policy_put(e, job->site, entry, NULL);
}

/* Not again for this id for a while (section 3.3). true: another id. */
static bool hold_off(struct engine *e, struct sts_job *job)
{
	struct site *s = job->site;
	bool same = s->failures > 0 && s->failed_id_n == job->id_n &&
		    memcmp(s->failed_id, job->id, job->id_n) == 0;
	int64_t wait = FAIL_WAIT_S;

	if (!same)
		s->failures = 0;
	if (s->failures < UINT16_MAX)
		s->failures++;
	for (unsigned i = 1; i < s->failures && wait < FAIL_WAIT_MAX_S; i++)
		wait *= 2;
	if (wait > FAIL_WAIT_MAX_S)
		wait = FAIL_WAIT_MAX_S;
	s->fail_until_ms = mono_ms(e) + wait * 1000;
	memcpy(s->failed_id, job->id, job->id_n);
	s->failed_id_n = job->id_n;
	return !same;
}

void policy_failed(
	struct engine *e, struct sts_job *job, const struct sts_fetch_result *r)
{
	struct site *s = job->site;
	struct arena *a = arena_must(0);
	struct policy_entry entry;
	bool in_force, any, new_id = hold_off(e, job);

	any = policy_now(e, s, a, &entry, &in_force) == ST_OK;
	s->failed = true;
	s->failure = r->failure;
	if (any && in_force)
		cached_failed(e, job, &entry, r->why.text, new_id);
	else if (new_id)
		event_tell(e, ENGINE_FETCH_FAILED, site_name(s), r->why.text);
	arena_free(&a);
}

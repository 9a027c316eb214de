/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_own: what the engine's files share, and nobody else.
 *
 * A site is what is remembered of a policy domain; a hop is one way to get its
 * mail there (by MX, or to a given host and port), with its DANE. A job is a
 * look-up that runs or waits for its turn, with the asks that wait for it.
 *
 * engine.c asks and time · engine_site.c memory · engine_sts.c jobs of MTA-STS
 * · engine_dane.c jobs of DANE · engine_policy.c what a job does to the cache ·
 * engine_refresh.c what is due · engine_answer.c from facts to the decision ·
 * engine_control.c the operator · engine_event.c log, counters, hooks
 */
#pragma once

#include "base/map.h"
#include "outbound/dane_memo.h"
#include "outbound/engine.h"
#include "outbound/fair_queue.h"
#include "outbound/policy_clock.h"

#define FAIL_WAIT_S 300	     /* after a failed fetch, per id: section 3.3 */
#define FAIL_WAIT_MAX_S 3600 /* it doubles up to this */
#define TEMP_WAIT_S 30	     /* after DNS trouble with the record */
#define NEGATIVE_MIN_S 60
#define VALID_MAX_MS 3600000
#define TICK_MS 1000
#define TICK_BUSY_MS 100 /* while somebody waits */
#define HOPS_MAX 8	 /* remembered for one domain */
#define USED_STEP_S 86400
#define GROUP_RUNNING_MAX 16
#define GROUP_REFRESHES_MAX 4

struct sts_job;
struct dane_job;

struct hop {
	struct hop *next;
	bool is_host;
	uint8_t trouble; /* bits of enum engine_trouble that hooks know of */
	uint16_t port;
	struct dane_job *job;	/* NULL: none */
	struct dane_memo *memo; /* NULL: nothing known */
	int64_t until_ms;	/* for how long that is believed */
};

/* A policy that the cache would not take; only so many at a time. */
#define LOOSE_MAX 256

struct loose {
	struct arena *arena;
	struct policy_entry entry;
	size_t at; /* in engine.loose */
};

struct site {
	struct site *newer, *older; /* in its list */
	struct hop *hops;	    /* the last used first */
	struct sts_job *job;	    /* NULL: none */
	struct loose *loose;
	int64_t until_ms; /* the record is believed */
	/* The last fetch failed, of this id; not again before then. */
	int64_t fail_until_ms;
	enum tlsrpt_result failure;
	uint16_t failures;
	bool failed;	 /* there is a record, and no policy could be had */
	bool asked;	 /* until_ms means something */
	bool live;	 /* which list: it has a policy, or DANE */
	uint8_t trouble; /* as a hop's, of the domain */
	uint8_t failed_id_n, name_n;
	char failed_id[STS_ID_BYTES_MAX];
	char name[];
};

struct site_list {
	struct site *newest, *oldest;
	size_t n;
};

enum job_stage { JOB_QUEUED, JOB_RECORD, JOB_FETCH, JOB_DISK };

struct sts_job {
	struct fair_item item;
	struct sts_job *next, *prev; /* those that wait for the disk */
	struct sts_job *next_refresh;
	struct engine *engine;
	struct site *site;
	struct engine_ask_link asks;
	enum job_stage stage;
	bool refresh;	  /* nobody asked: the time has come */
	struct str group; /* of a refresh */
	bool force;	  /* fetch whatever the record says */
	void *handle;
	policy_change change;
	/* The record. */
	bool temp;
	enum sts_record_outcome outcome;
	uint32_t ttl_s;
	uint8_t id_n;
	char id[STS_ID_BYTES_MAX];
};

struct dane_job {
	struct fair_item item;
	struct engine *engine;
	struct site *site;
	struct hop *hop;
	struct engine_ask_link asks;
	bool queued;
	void *handle;
};

struct engine {
	struct engine_options o;
	struct policy_clock clock;
	struct map *sites;
	struct site_list live, negative;
	struct fair_queue *sts_queue, *dane_queue;
	struct engine_ask_link by_time; /* asks, the oldest first */
	struct engine_ask_link ready;	/* linked by by_time too */
	struct sts_job *on_disk;	/* jobs that wait for the disk */
	struct sts_job *refreshing;
	size_t running_sts, running_dane, refreshes;
	struct site *loose[LOOSE_MAX]; /* the oldest are replaced */
	size_t next_loose;
	struct loop_io cache_io;
	struct loop_timer timer;
	struct loop_task task;
	struct mono next_second, busy_told;
	int64_t noted;
	bool cache_failing;
	struct engine_stats stats;
};

/* ---- engine.c: links and asks ---- */

void link_init(struct engine_ask_link *head);
void link_add(struct engine_ask_link *head, struct engine_ask_link *l);
void link_remove(struct engine_ask_link *l); /* not linked: nothing */
bool link_empty(const struct engine_ask_link *head);

#define ASK_OF(link, member) ask_of(link, offsetof(struct engine_ask, member))

/* The ask whose link lies at that place in it; ASK_OF knows the place. */
static inline struct engine_ask *ask_of(
	struct engine_ask_link *link, size_t place)
{
	char *at = (char *)link;

	return (struct engine_ask *)(void *)(at - place);
}

/* An ask no longer waits for a job; when for none, it is answered. */
void ask_goes_on(struct engine_ask *ask);
/* All asks of a job that has ended: by_sts or by_dane. */
void asks_of_sts_go_on(struct engine_ask_link *asks);
void asks_of_dane_go_on(struct engine_ask_link *asks);
void ask_tell(struct engine_ask *ask, const struct engine_step *step);

int64_t mono_ms(const struct engine *e);
uint32_t random_upto(int64_t n); /* 0..n */

/* ---- engine_site.c ---- */

struct str site_name(const struct site *s);
struct site *site_find(struct engine *e, struct str domain);
struct site *site_get(struct engine *e, struct str domain);
/* To the front of the list it belongs to now; the oldest others may go. */
void site_touch(struct engine *e, struct site *s, bool live);
void site_free(struct engine *e, struct site *s);
/* Forgets what makes answers ready, so that all is asked again. */
void site_forget(struct site *s);
struct hop *site_hop(struct engine *e, struct site *s,
	const struct policy_domain *d, bool make);
void site_loosen(
	struct engine *e, struct site *s, const struct policy_entry *entry);
/* A copy of what is loose, in a: it may go with the next policy_put. */
enum status site_loose(
	const struct site *s, struct arena *a, struct policy_entry *out);
void site_tighten(struct engine *e, struct site *s);
/* The registrable domain, in it; without a list the domain. */
struct str group_of(const struct engine *e, struct str domain);
struct str site_group(const struct engine *e, const struct site *s);

/* ---- engine_sts.c, engine_dane.c ---- */

bool sts_known(const struct engine *e, const struct site *s);
void sts_ask(struct engine *e, struct site *s, struct engine_ask *ask);
void sts_refresh(struct engine *e, struct site *s);
void sts_run(struct engine *e); /* starts what may start now */
void sts_settled(struct engine *e, policy_change durable);
void sts_cancel(struct engine *e, struct site *s);

bool dane_known(const struct engine *e, const struct hop *h);
void dane_ask(struct engine *e, struct site *s, struct hop *h,
	struct engine_ask *ask);
void dane_run(struct engine *e);
void dane_cancel(struct engine *e, struct hop *h);

/* ---- engine_policy.c ---- */

/*
 * The policy of a domain: what the cache holds, or would not hold. ST_NOTFOUND:
 * none; an expired one is given too. *in_force: it applies now.
 */
enum status policy_now(struct engine *e, struct site *s, struct arena *a,
	struct policy_entry *out, bool *in_force);
bool policy_pinned(struct engine *e, struct str domain);
/* After a fetch; sets job->change if there is a disk to wait for. */
void policy_fetched(struct engine *e, struct sts_job *job,
	const struct sts_fetch_result *r);
void policy_failed(struct engine *e, struct sts_job *job,
	const struct sts_fetch_result *r);
/* After a record: is it there again, or gone? entry may be NULL. */
void policy_seen(struct engine *e, struct sts_job *job,
	const struct sts_record_result *r, struct policy_entry *entry);
/* false: it was not taken. *change may be NULL. */
bool policy_put(struct engine *e, struct site *s,
	const struct policy_entry *entry, policy_change *change);
int64_t policy_next_refresh(
	const struct engine *e, const struct policy_entry *entry);

/* ---- the others ---- */

void refresh_due(struct engine *e);
/* The answer by what is known; ST_LIMIT: the arena is full. */
enum status answer_make(struct engine *e, struct arena *a,
	const struct engine_profile *profile,
	const struct policy_domain *domain, struct site *s, struct hop *h,
	struct engine_ask *ask, struct engine_answer *out);

void event_tell(struct engine *e, enum engine_event ev, struct str domain,
	const char *text);
/* Of a policy that takes the place of old; NULL: there was none. */
void event_policy(struct engine *e, enum engine_event ev,
	const struct policy_entry *entry, const struct policy_entry *old);
void event_changed(struct engine *e, struct str domain);
/* Is h (NULL: the domain) known to be in trouble for that reason? */
bool event_in_trouble(
	const struct site *s, const struct hop *h, enum engine_trouble reason);
/* A reason begins or is over, unless that is known. */
void event_trouble(struct engine *e, struct site *s, struct hop *h,
	enum engine_trouble reason, bool begins, const char *why);
/* All reasons of the domain and its hops are over. */
void event_trouble_over(struct engine *e, struct site *s, const char *why);
void event_may_go(struct engine *e, struct site *s, const char *why);

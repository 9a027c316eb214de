/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: from a next hop to the decision about its mail. It knows what was
 * asked when, asks again when it must, and remembers policies
 * (cache/policy_cache.h). RFC 8461 sections 3.3, 5.1 and 10.2; RFC 7672.
 *
 * For one domain only one look-up of a kind runs at a time; all who ask wait
 * for it. The TXT record and DANE are looked up side by side. What follows from
 * them is proto/sts_decide.h.
 *
 * What is asked when a policy is cached:
 *  - its TXT record was compared less than the grace ago: nothing;
 *  - else the TXT record: the same id confirms it, but never prolongs it;
 *    another id has the policy fetched, and a valid one replaces it;
 *  - whatever fails, the cached policy stays in force until its max_age after
 *    the last fetch is over.
 * Each cached policy is fetched again at a random moment of every
 * refresh period, whatever the TXT record says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "cache/policy_cache.h"
#include "io/loop.h"
#include "outbound/sts_discover.h"
#include "proto/dane.h"
#include "proto/policy_domain.h"
#include "proto/sts_decide.h"

struct engine;

/* ---- what it is made of ---- */

typedef void engine_dane_fn(void *ctx, const struct dane_result *r);

/*
 * How the world is asked; each obeys the contract of io/loop.h. A start gives
 * a handle that is good until fn is called or it was cancelled. The real one is
 * engine_world_of; tests have scripts.
 */
struct engine_world {
	void *ctx;
	void *(*record)(
		void *ctx, struct str domain, sts_record_fn *fn, void *arg);
	void *(*fetch)(
		void *ctx, struct str domain, sts_fetch_fn *fn, void *arg);
	void *(*dane)(void *ctx, const struct policy_domain *domain,
		engine_dane_fn *fn, void *arg);
	void (*record_cancel)(void *ctx, void *handle);
	void (*fetch_cancel)(void *ctx, void *handle);
	void (*dane_cancel)(void *ctx, void *handle);
};

/* What log and counters tell of, and others may listen to. */
enum engine_event {
	ENGINE_POLICY_NEW,	  /* none was known before */
	ENGINE_POLICY_CHANGED,	  /* another id, mode, max_age or mx */
	ENGINE_POLICY_DOWNGRADED, /* from enforce to testing or none */
	ENGINE_POLICY_GONE,	  /* no TXT record, and there was one */
	ENGINE_POLICY_BACK,	  /* the TXT record is there again */
	ENGINE_POLICY_EXPIRED,
	ENGINE_POLICY_FORGOTTEN, /* expired, and long unused */
	ENGINE_ID_FLIPPED,	 /* another id, but the fetch failed */
	ENGINE_FETCH_FAILED,	 /* a record, but no policy was ever fetched */
	ENGINE_FETCH_AGAIN,	 /* fetched, after failures */
	ENGINE_REFRESH_FAILED,
	ENGINE_LIFE_HALF,    /* refreshing fails, half of max_age is over */
	ENGINE_LIFE_LATE,    /* the same with nine tenths */
	ENGINE_NO_MX,	     /* no MX host matches the policy in force */
	ENGINE_MX_AGAIN,     /* and now one does */
	ENGINE_NOT_KEPT,     /* quota, or no room: asked again next time */
	ENGINE_DANE_TEMP,    /* nobody can tell whether there is DANE */
	ENGINE_DANE_AGAIN,   /* and now it is known again */
	ENGINE_BUSY,	     /* more waits than may: answered unasked */
	ENGINE_CLOCK_JUMPED, /* the UTC clock, against the monotonic one */
	ENGINE_CLOCK_TAKEN,  /* its new time was taken for true */
	ENGINE_CACHE_FAILED, /* the disk does not take changes */
	ENGINE_CACHE_AGAIN,
	ENGINE_CACHE_DAMAGED, /* a value in the file is damaged */
	ENGINE_EVENTS	      /* how many */
};

/* A stable word, as "policy.gone": the event in logs, and in metrics. */
const char *engine_event_name(enum engine_event ev);

/*
 * Why mail may have to wait. The first two are of the domain, however its mail
 * gets there; the others of one next hop, as it is asked for.
 */
enum engine_trouble {
	ENGINE_TROUBLE_GONE,  /* no TXT record; what is cached is in force */
	ENGINE_TROUBLE_ID,    /* another id, whose policy cannot be fetched */
	ENGINE_TROUBLE_NO_MX, /* no MX host matches the policy in force */
	ENGINE_TROUBLE_DANE,  /* nobody can tell whether there is DANE */
	ENGINE_TROUBLES	      /* how many */
};

/* A stable word, as "no-mx". */
const char *engine_trouble_name(enum engine_trouble reason);

/* Any of them may be NULL. They must not call the engine but to read. */
struct engine_hooks {
	void *ctx;
	/* text: one sentence, or empty; domain: empty for what concerns all. */
	void (*event)(void *ctx, enum engine_event ev, struct str domain,
		const char *text);
	/* Answers given before are no longer good; domain empty: all. */
	void (*changed)(void *ctx, struct str domain);
	/*
	 * A reason why mail to that next hop may have to wait begins, or is
	 * over: then by what, or because the engine has let go of it.
	 */
	void (*trouble)(void *ctx, const struct policy_domain *domain,
		enum engine_trouble reason, bool begins, const char *why);
	/* What mail to the domain waited for may be over, and why. It is told
	 * whether trouble was or not: mail may wait since before the start. */
	void (*may_go)(void *ctx, struct str domain, const char *why);
};

struct public_suffix;

struct engine_options {
	struct loop *loop;
	const struct clock *clock;
	struct policy_cache *cache; /* borrowed, started */
	int cache_fd;		    /* of policy_cache_start */
	const struct engine_world *world;
	const struct public_suffix *suffixes; /* NULL: no quotas */
	struct engine_hooks hooks;

	int answer_ms;	      /* nobody waits longer */
	int grace_s;	      /* how long a TXT record is believed */
	int refresh_s;	      /* each policy is fetched once in this time */
	int unused_s;	      /* what was not asked for so long is let go */
	int negative_s;	      /* "no policy" is believed at most so long */
	size_t max_running;   /* look-ups of records, and again of DANE */
	size_t max_waiting;   /* strangers; more are answered unasked */
	size_t max_refreshes; /* at a time */
	size_t max_negative;  /* domains without policy remembered */
	size_t max_live;      /* domains with policy or DANE remembered */
};

#define ENGINE_DEFAULTS                                                        \
	((struct engine_options){ .answer_ms = 8000,                           \
		.grace_s = 60,                                                 \
		.refresh_s = 86400,                                            \
		.unused_s = 180 * 86400,                                       \
		.negative_s = 1800,                                            \
		.max_running = 512,                                            \
		.max_waiting = 10000,                                          \
		.max_refreshes = 16,                                           \
		.max_negative = 20000,                                         \
		.max_live = 30000 })

/* Copies o, but not what it points at. */
struct engine *engine_new(const struct engine_options *o);
/* No callback comes any more; clears *e; NULL is allowed. */
void engine_free(struct engine **e);

/*
 * Does what is due by the clock: deadlines, refreshes. The loop's timer calls
 * it; so do tests that hold the clock.
 */
void engine_tick(struct engine *e);

/* ---- asking ---- */

/* Who asks: the socketmap name, for which there may be rules, and its kind. */
struct engine_profile {
	struct str name;
	struct sts_profile profile;
};

enum engine_how {
	ENGINE_USUAL,
	ENGINE_ANEW, /* DNS is asked whatever is remembered */
	ENGINE_FETCH /* and the policy is fetched, whatever DNS says */
};

/* What was done for an answer, in order; all pointers are borrowed. */
enum engine_step_kind {
	ENGINE_STEP_CACHE,  /* entry: what is cached, NULL: nothing */
	ENGINE_STEP_RULE,   /* rule: an operator's rule applies */
	ENGINE_STEP_DANE,   /* dane: looked up, or remembered */
	ENGINE_STEP_RECORD, /* record: looked up; NULL: not asked, see note */
	ENGINE_STEP_FETCH,  /* fetch: tried; NULL: not tried, see note */
	ENGINE_STEP_STORED, /* entry: what is cached now */
	ENGINE_STEP_LATE,   /* nobody waits longer */
	ENGINE_STEP_DECISION,
};

struct engine_step {
	enum engine_step_kind kind;
	const char *note; /* one sentence, or "" */
	const struct policy_entry *entry;
	bool in_force; /* the entry */
	const struct policy_rule *rule;
	const struct dane_result *dane;
	const struct sts_record_result *record;
	const struct sts_fetch_result *fetch;
	const struct decision *decision;
};

typedef void engine_step_fn(void *ctx, const struct engine_step *step);

struct engine_answer {
	struct decision decision;
	/* How long the same answer may be given again; 0: ask again. Until
	 * then engine_hooks.changed tells if it is no longer good. */
	int64_t valid_ms;
};

/* The answer is borrowed. */
typedef void engine_ask_fn(void *ctx, const struct engine_answer *answer);

struct engine_ask_link {
	struct engine_ask_link *next, *prev;
};

/* One question; it must stay where it is. All zero: not asked. */
struct engine_ask {
	struct engine *engine; /* NULL: stopped */
	struct engine_profile profile;
	struct policy_domain domain;
	enum engine_how how;
	engine_step_fn *step; /* may be NULL; set it before the start */
	engine_ask_fn *fn;
	void *ctx;
	/* The engine's own. */
	struct arena *arena;
	struct mono deadline;
	bool wait_sts, wait_dane, late, told_sts, told_dane;
	struct engine_ask_link by_time, by_sts, by_dane;
};

/*
 * Asks for a domain; profile and domain are copied. fn is called once, with an
 * answer at answer_ms after the start at the latest; never before this returns.
 */
void engine_ask_start(struct engine_ask *ask, struct engine *e,
	const struct engine_profile *profile,
	const struct policy_domain *domain, enum engine_how how,
	engine_ask_fn *fn, void *ctx);
/* fn will not be called; stopping twice is fine. */
void engine_ask_cancel(struct engine_ask *ask);

/*
 * The answer, if nothing has to be looked up; it lives in a. ST_AGAIN: start an
 * ask; ST_LIMIT: the arena is full.
 */
enum status engine_ask_now(struct engine *e, struct arena *a,
	const struct engine_profile *profile,
	const struct policy_domain *domain, struct engine_answer *out);

/* ---- control ---- */

/*
 * To refresh a domain, ask with ENGINE_FETCH. To read entries and rules, see
 * policy_cache.h. The rest: ST_OK and others as policy_cache.h has them.
 */

/* Forgets all about a domain, its history too. ST_NOTFOUND: nothing known. */
enum status engine_purge(struct engine *e, struct str domain, struct err *err);

/*
 * Sets a rule, from now on. POLICY_RULE_PIN of a domain without a cached
 * policy: ST_NOTFOUND, of anything but profile "*": ST_INVALID.
 */
enum status engine_rule_set(
	struct engine *e, const struct policy_rule *rule, struct err *err);
enum status engine_rule_del(struct engine *e, struct str profile,
	struct str domain, struct err *err);

struct engine_stats {
	uint64_t events[ENGINE_EVENTS];
	uint64_t asks, asks_now; /* now: nothing had to be looked up */
	uint64_t late;		 /* answered because of answer_ms */
	uint64_t records, fetches, fetches_failed, danes; /* look-ups ended */
	size_t running_sts, running_dane, waiting;	  /* look-ups */
	size_t negative, live; /* domains remembered */
};
void engine_stats(const struct engine *e, struct engine_stats *out);

/* The UTC time by which the engine judges expiry, see policy_clock.h. */
int64_t engine_now(const struct engine *e);

/* Does a cached policy apply now: has it not expired, or is it pinned? */
bool engine_in_force(struct engine *e, const struct policy_entry *entry);

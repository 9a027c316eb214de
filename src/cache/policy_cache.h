/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cache: the policies of other domains that were fetched, kept on disk
 * (RFC 8461 section 3.3: a cached policy is applied whatever DNS and HTTPS say
 * until its max_age is over), and the operator's rules for domains.
 *
 * One process opens it. Reads and changes are for one thread, its loop; a
 * change is seen by the next read at once, and written by a disk thread that
 * commits what has gathered in one transaction and syncs it. Nothing is ever
 * removed to make room: when a quota or the file is full, what is new is
 * refused. An entry that has expired is history: that the domain had a policy.
 *
 * Times are UTC seconds of the caller's clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/sts_limits.h"
#include "proto/sts_policy.h"

#define POLICY_HISTORY_MAX 8	   /* steps kept for each domain */
#define POLICY_TEXT_BYTES_MAX 2048 /* of a policy file that are kept */
#define POLICY_REASON_BYTES_MAX 512
#define POLICY_PROFILE_BYTES_MAX 32

struct policy_cache;

struct policy_cache_options {
	uint64_t max_bytes;   /* address space, and cap of the file's size */
	size_t max_per_group; /* entries of one registrable domain */
	size_t max_waiting_bytes; /* changes not yet on disk */
	bool no_sync;		  /* tests: do not wait for the disk */
};

#define POLICY_CACHE_DEFAULTS                                                  \
	((struct policy_cache_options){ .max_bytes = (uint64_t)4 << 30,        \
		.max_per_group = 1000,                                         \
		.max_waiting_bytes = (size_t)8 << 20 })

/*
 * Opens or makes the file at path, for a process that has not yet closed its
 * sandbox, and reads it through once. A damaged file is moved aside to
 * "PATH.bad-N", what can still be read of it goes into a new one, and
 * policy_cache_stats tells so. ST_AGAIN: another process has it open; ST_PERM:
 * it cannot be opened or made; ST_TEMP: the disk failed.
 */
enum status policy_cache_open(const char *path,
	const struct policy_cache_options *opt, struct policy_cache **out,
	struct err *e);

/*
 * Starts the disk thread, after the sandbox was closed. *fd becomes readable
 * when policy_cache_settle has something to do; it is borrowed.
 */
void policy_cache_start(struct policy_cache *c, int *fd);

/* Writes what is left to write, ends the thread; clears *c; NULL is allowed. */
void policy_cache_close(struct policy_cache **c);

/* ---- changes ---- */

/*
 * Changes are numbered from 1. What is not yet on disk stays in memory and is
 * in force; when the disk fails it is tried again until it works.
 */
typedef uint64_t policy_change;

/*
 * Takes notice of what the thread has done. *durable: all changes up to this
 * one are on disk. ST_OK; ST_LIMIT the file is full and ST_TEMP the disk
 * failed: changes wait in memory, e says why.
 */
enum status policy_cache_settle(
	struct policy_cache *c, policy_change *durable, struct err *e);

/* For tests: waits until all changes were tried. */
void policy_cache_flush(struct policy_cache *c);

/* ---- entries ---- */

/* What the policy of a domain was before. */
struct policy_past {
	int64_t fetched_at;
	enum sts_mode mode;
	struct str id;
};

struct policy_entry {
	struct str domain;	  /* lower case, A-labels, no trailing dot */
	struct str id;		  /* of the TXT record; empty: there was none */
	struct sts_policy policy; /* VALID */
	struct str text;	  /* as it came, cut at POLICY_TEXT_BYTES_MAX */
	int64_t fetched_at;	  /* the last time it came by HTTPS */
	int64_t first_seen;
	int64_t used_at; /* about when somebody last asked for it */
	int64_t next_refresh;
	int64_t failed_since; /* of refreshing; 0: the last one was good */
	uint16_t failures;    /* in a row */
	uint8_t alarm;	      /* percent of its life that were warned of */
	bool gone;	      /* the TXT record was there once, now it is not */
	struct policy_past *past; /* the newest first */
	size_t n_past;
};

/* When the policy is no longer applied: max_age after the last fetch. */
int64_t policy_entry_expires(const struct policy_entry *entry);

/*
 * The entry of a domain, an expired one too; a copy in a. ST_NOTFOUND; ST_LIMIT
 * the arena is full; ST_TEMP it cannot be read.
 */
enum status policy_cache_get(struct policy_cache *c, struct arena *a,
	struct str domain, struct policy_entry *out);

/*
 * Sets the entry of entry->domain. group is its registrable domain, or empty
 * for no quota. *change (may be NULL) is its number. ST_LIMIT: a domain that
 * has no entry yet would exceed the quota, or too much waits for the disk;
 * ST_INVALID: it is no entry (a field is out of range).
 */
enum status policy_cache_put(struct policy_cache *c,
	const struct policy_entry *entry, struct str group, int64_t now,
	policy_change *change, struct err *e);

/* Forgets a domain. ST_NOTFOUND; ST_LIMIT as put. */
enum status policy_cache_del(struct policy_cache *c, struct str domain,
	policy_change *change, struct err *e);

/*
 * Up to max entries behind *after (empty: from the beginning) in the order of
 * DNS names, and moves *after (in a); *n == 0: the end. What waits for the disk
 * and was never on it is not among them.
 */
enum status policy_cache_list(struct policy_cache *c, struct arena *a,
	struct str *after, size_t max, struct policy_entry **out, size_t *n);

/*
 * Up to max domains, in a, whose next_refresh is at most now, the longest due
 * first, or beyond horizon: such were set by a clock that was wrong.
 */
enum status policy_cache_due(struct policy_cache *c, struct arena *a,
	int64_t now, int64_t horizon, size_t max, struct str **out, size_t *n);

/* ---- rules ---- */

enum policy_rule_kind {
	POLICY_RULE_OFF,     /* nothing is said about it, DANE included */
	POLICY_RULE_ENFORCE, /* a policy in testing is enforced */
	POLICY_RULE_TESTING, /* a policy in enforce is not applied */
	POLICY_RULE_PIN,     /* the cached policy stays, whatever comes */
};

struct policy_rule {
	struct str profile; /* "*": every profile */
	struct str domain;
	enum policy_rule_kind kind;
	struct str reason;
	int64_t set_at;
	int64_t expires; /* INT64_MAX: never */
};

/* "off", "enforce", "testing", "pin". */
const char *policy_rule_name(enum policy_rule_kind kind);
/* ST_INVALID when s is none. */
enum status policy_rule_parse(struct str s, enum policy_rule_kind *out);

/*
 * The rule for a domain: that of the profile before that of "*", never an
 * expired one. ST_NOTFOUND; ST_LIMIT, ST_TEMP as policy_cache_get.
 */
enum status policy_cache_rule(struct policy_cache *c, struct arena *a,
	struct str profile, struct str domain, int64_t now,
	struct policy_rule *out);

/* As put and del of entries; profile and domain name the rule. */
enum status policy_cache_rule_put(struct policy_cache *c,
	const struct policy_rule *rule, policy_change *change, struct err *e);
enum status policy_cache_rule_del(struct policy_cache *c, struct str profile,
	struct str domain, policy_change *change, struct err *e);

/* All rules, the expired ones too. */
enum status policy_cache_rules(struct policy_cache *c, struct arena *a,
	struct policy_rule **out, size_t *n);

/* ---- the clock ---- */

/* The time last noted, 0: never. */
int64_t policy_cache_noted(const struct policy_cache *c);
/* Notes that it is now, for the next start to compare its clock with. */
void policy_cache_note(struct policy_cache *c, int64_t now);

/* ---- about it ---- */

struct policy_cache_stats {
	uint64_t entries, rules;
	uint64_t used_bytes, max_bytes;
	uint64_t commits, commit_failures; /* since the start */
	uint64_t waiting, waiting_bytes;   /* changes not yet on disk */
	uint64_t refused;		   /* by a quota */
	uint64_t unreadable;		   /* values met that are damaged */
	/* At the start: was the file damaged, and what was saved of it? */
	bool was_damaged;
	const char *moved_to; /* its name now; NULL: it was not */
	uint64_t saved, lost;
};
void policy_cache_stats(struct policy_cache *c, struct policy_cache_stats *out);

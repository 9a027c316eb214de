/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_view: what a tenant's accepted reports add up to, and the single
 * failures behind it. Statuses and shapes as in store.h.
 *
 * A row stands for one policy type, and for proven or for unproven reports:
 * rows that differ in one of the two must not be added up.
 */
#pragma once

#include "proto/tlsrpt_meaning.h"
#include "store/store.h"

enum store_view {
	STORE_VIEW_DAY,	     /* keys: none */
	STORE_VIEW_RESULT,   /* result type, reason */
	STORE_VIEW_MX,	     /* MX host, result type */
	STORE_VIEW_SOURCE,   /* reporter, sending MTA, result type */
	STORE_VIEW_REPORTER, /* reporter */
	STORE_VIEW_POLICY,   /* policy text, reporter */
	STORE_VIEWS,
};

#define STORE_VIEW_KEYS 3u

/* "day", "result", "mx", "source", "reporter", "policy". */
const char *store_view_name(enum store_view view);
enum status store_view_parse(struct str s, enum store_view *out);

/* "result_type", "reason", ...; NULL: the view has no such key. */
const char *store_view_key(enum store_view view, size_t i);

/* Does the view tell result types apart, so that one can be asked for? */
bool store_view_has_results(enum store_view view);

struct store_view_filter {
	enum store_view view;
	struct str tenant; /* must be set */
	struct str domain; /* empty: all */
	int64_t from, to;  /* days since 1970, from <= day < to */
	/* Failures of one family or result type only: of views that
	 * store_view_has_results. Rows of STORE_VIEW_DAY then have no
	 * successful sessions. */
	bool by_family;
	enum tlsrpt_family family;
	struct str result; /* empty: all */
	bool proven_only;
	size_t limit; /* 1..100000 */
};

struct store_view_row {
	struct str policy_type;
	bool unproven;
	struct str keys[STORE_VIEW_KEYS]; /* as store_view_key names them */
	int64_t first_day, last_day;	  /* STORE_VIEW_DAY: the same */
	int64_t counts;	    /* policies, or failures, of reports added up */
	int64_t ok, failed; /* sessions; ok: DAY, REPORTER, POLICY only */
};

/* STORE_VIEW_DAY: newest first; others: most failed sessions first. */
enum status store_view_list(struct store *s, struct arena *a,
	const struct store_view_filter *f, struct store_view_row **out,
	size_t *n, struct err *e);

/* How far a result type reaches, for tlsrpt_judge. */
struct store_spread {
	struct str result_type;
	int64_t reporters; /* that have it */
	int64_t sources;   /* sending MTAs that have it */
	int64_t failed;	   /* sessions */
};
/*
 * Of all result types; of the filter tenant, domain, days and proven_only
 * count: a stranger's reports can change what there is to judge. *reporters:
 * those that reported at all, *successful: their sessions that went well, of
 * the policy type that has most. ST_NOTFOUND: there is no domain in the filter,
 * and the tenant has reports about several. Who meets something at
 * one of them may have no mail for the others.
 */
enum status store_view_spread(struct store *s, struct arena *a,
	const struct store_view_filter *f, struct store_spread **out, size_t *n,
	int64_t *reporters, int64_t *successful, struct err *e);

/* A failure, and the report and policy it stands in. */
struct store_failure {
	struct str report; /* its id, for store_report_get */
	struct str domain, reporter, proof;
	int64_t begin;
	struct str policy_type;
	struct store_report_failure failure;
};
struct store_failure_filter {
	struct str tenant;   /* must be set */
	struct str domain;   /* these empty: all */
	struct str reporter; /* or the organisation alone */
	struct str policy_type;
	struct str result_type, reason_code, sending_ip, receiving_host;
	int64_t from, to;  /* as of store_report_filter */
	struct str before; /* reports before this id; empty: the newest */
	size_t limit;	   /* 1..1000 */
};
/* Of accepted reports, the newest first. */
enum status store_failure_list(struct store *s, struct arena *a,
	const struct store_failure_filter *f, struct store_failure **out,
	size_t *n, struct err *e);

/* ---- the names of sending servers ---------------------------------------- */

enum store_reverse_state {
	STORE_REVERSE_NONE,	   /* no name, or it could not be found out */
	STORE_REVERSE_UNCONFIRMED, /* the name does not have the address */
	STORE_REVERSE_CONFIRMED,
	STORE_REVERSE_STATES,
};

struct store_reverse_name {
	struct str address, name;
	enum store_reverse_state state;
	int64_t looked; /* up, the last time */
};

enum status store_reverse_name_put(
	struct store *s, const struct store_reverse_name *r, struct err *e);
/* ST_NOTFOUND: never looked up. */
enum status store_reverse_name_get(struct store *s, struct arena *a,
	struct str address, struct store_reverse_name *out, struct err *e);
/* Sending servers of reports from that day on, not looked up since a time. */
enum status store_reverse_name_wanted(struct store *s, struct arena *a,
	int64_t day, int64_t looked, size_t limit, struct store_strs *out,
	struct err *e);
enum status store_reverse_name_prune(
	struct store *s, int64_t before, struct err *e);

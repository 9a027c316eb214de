/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert: what a person must hear of, what was said about it, and the facts of
 * reports that alerts are judged by. Shapes and statuses as in store.h.
 */
#pragma once

#include "proto/tlsrpt_digest.h"
#include "store/store.h"

enum store_alert_kind {
	STORE_ALERT_FAILURE,	 /* a result type; item: its name */
	STORE_ALERT_STARTTLS,	 /* item: starttls-not-supported */
	STORE_ALERT_POLICY_HOST, /* the policy cannot be had; item: the type */
	STORE_ALERT_SHARE,	 /* of failed sessions is over the threshold */
	STORE_ALERT_SILENT,   /* item: the reporter that is no longer heard */
	STORE_ALERT_UNREAD,   /* reports that nobody could read; no domain */
	STORE_ALERT_UNPROVEN, /* as FAILURE, but nothing proves the report */
	STORE_ALERT_KINDS,
};
/* "failure", "starttls", "policy-host", "share", "silent", "unread",
 * "unproven". */
const char *store_alert_kind_name(enum store_alert_kind kind);

enum store_alert_state {
	STORE_ALERT_OPEN,
	STORE_ALERT_ACKNOWLEDGED, /* a person knows; it closes by itself */
	STORE_ALERT_CLOSED,
	STORE_ALERT_STATES,
};
/* "open", "acknowledged", "closed". */
const char *store_alert_state_name(enum store_alert_state state);

struct store_alert {
	struct str tenant, id; /* id: store_new_id */
	enum store_alert_kind kind;
	struct str domain, item;
	enum store_alert_state state;
	int64_t opened, closed; /* closed: the last time, 0 never */
	int64_t acknowledged;
	struct str actor; /* who acknowledged it */
	struct str what;  /* a sentence: what is the matter, as last seen */
};

/* ST_INVALID: one of that (tenant, kind, domain, item) is not closed. */
enum status store_alert_add(
	struct store *s, const struct store_alert *al, struct err *e);
enum status store_alert_put(
	struct store *s, const struct store_alert *al, struct err *e);
enum status store_alert_get(struct store *s, struct arena *a, struct str tenant,
	struct str id, struct store_alert *out, struct err *e);
/* The newest of that (tenant, kind, domain, item), closed or not. */
enum status store_alert_last(struct store *s, struct arena *a,
	const struct store_alert *like, struct store_alert *out, struct err *e);

struct store_alert_filter {
	struct str tenant; /* must be set */
	struct str before; /* the page begins before this id */
	bool closed;	   /* those too */
	size_t limit;
};
/* Newest first. */
enum status store_alert_list(struct store *s, struct arena *a,
	const struct store_alert_filter *f, struct store_alert **out, size_t *n,
	struct err *e);
/* Those of one domain (empty: of none) that are not closed. */
enum status store_alert_unclosed(struct store *s, struct arena *a,
	struct str tenant, struct str domain, struct store_alert **out,
	size_t *n, struct err *e);
/* Drops those closed before a time, with their notices, and old trials. */
enum status store_alert_prune(struct store *s, int64_t before, struct err *e);

/* ---- notice: what is to be said, to whom, and how it went ---------------- */

enum store_notice_state {
	STORE_NOTICE_WAITING,
	STORE_NOTICE_SENT,
	STORE_NOTICE_FAILED, /* given up */
	STORE_NOTICE_STATES,
};
/* "waiting", "sent", "failed". */
const char *store_notice_state_name(enum store_notice_state state);

struct store_notice {
	struct str id; /* store_new_id; stays the same over all attempts */
	struct str tenant, alert; /* alert empty: a trial or a digest */
	struct str channel;	  /* "mail", "webhook" */
	struct str target;	  /* recipient; empty: those of moat.conf */
	struct str event; /* "opened", "closed", "daily", "weekly", "test" */
	int64_t day;	  /* of a digest: its first, since 1970 */
	enum store_notice_state state;
	int64_t attempts, next_at; /* next_at: not before */
	int64_t created, done;	   /* done: sent or given up */
	struct str error;	   /* of the last attempt, for people */
};

enum status store_notice_add(
	struct store *s, const struct store_notice *n, struct err *e);
enum status store_notice_put(
	struct store *s, const struct store_notice *n, struct err *e);
enum status store_notice_get(struct store *s, struct arena *a, struct str id,
	struct store_notice *out, struct err *e);
/* In order of next_at; trials first. */
enum status store_notice_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_notice **out, size_t *n, struct err *e);
enum status store_notice_list(struct store *s, struct arena *a,
	struct str tenant, struct str alert, struct store_notice **out,
	size_t *n, struct err *e);
/* What waits for the recipient of n, trials apart, waits until then. */
enum status store_notice_put_off(struct store *s, const struct store_notice *n,
	int64_t until, struct err *e);
/* Takes back what waits; *n: how many notices that was. */
enum status store_notice_drop(struct store *s, struct str tenant,
	struct str alert, int64_t *n, struct err *e);
/* How many went to where that one goes since a time, trials and digests not
 * counted, and when the first of them did. */
enum status store_notice_sent(struct store *s, const struct store_notice *like,
	int64_t since, int64_t *n, int64_t *first, struct err *e);

/* ---- recipient: whom a tenant has told, instead of those of moat.conf ---- */

struct store_recipient {
	struct str tenant;
	struct str channel; /* "mail", "webhook" */
	struct str target;  /* a mail address, a URL */
	struct str id;	    /* store_new_id: another one after it was removed */
	int64_t created;
};

#define STORE_RECIPIENTS_MAX 32 /* of one tenant */

/* ST_INVALID: it is one already, no such tenant; ST_LIMIT: too many. */
enum status store_recipient_add(
	struct store *s, const struct store_recipient *r, struct err *e);
/* ST_NOTFOUND: it was none. What waits for it is dropped. */
enum status store_recipient_drop(struct store *s, struct str tenant,
	struct str channel, struct str target, struct err *e);
enum status store_recipient_get(struct store *s, struct arena *a,
	struct str tenant, struct str channel, struct str target,
	struct store_recipient *out, struct err *e);
/* In order of (channel, target). */
enum status store_recipient_list(struct store *s, struct arena *a,
	struct str tenant, struct store_recipient **out, size_t *n,
	struct err *e);

/*
 * Whom to tell: those of the tenant, or where it has none those of moat.conf,
 * one without a target for each channel there is.
 */
enum status store_recipient_told(struct store *s, struct arena *a,
	struct str tenant, bool mail, bool webhook,
	struct store_recipient **out, size_t *n, struct err *e);

/* How often a tenant has a digest mail. */
enum store_digest {
	STORE_DIGEST_USUAL, /* as moat.conf says */
	STORE_DIGEST_NEVER,
	STORE_DIGEST_DAILY,
	STORE_DIGEST_WEEKLY,
	STORE_DIGEST_BOTH,
	STORE_DIGESTS,
};
/* "usual", "never", "daily", "weekly", "both". */
const char *store_digest_name(enum store_digest digest);
enum status store_digest_parse(struct str s, enum store_digest *out);

struct store_telling {
	struct str tenant;
	enum store_digest digest;
	struct str quiet; /* "22:00-06:00"; "none"; empty: as moat.conf says */
	/* The first days of the newest periods that were seen to, 0 none. */
	int64_t digest_day, digest_week;
};
/* ST_NOTFOUND: no such tenant. */
enum status store_telling_get(struct store *s, struct arena *a,
	struct str tenant, struct store_telling *out, struct err *e);
enum status store_telling_put(
	struct store *s, const struct store_telling *t, struct err *e);
/* Of all tenants. */
enum status store_telling_list(struct store *s, struct arena *a,
	struct store_telling **out, size_t *n, struct err *e);

/* ---- facts: what the accepted reports of a domain say -------------------- */

/* Who proved to be the sender: never more than its own word. */
struct store_alert_reporter {
	struct str name;	  /* "google.com"; imported: the organisation */
	int64_t received, begins; /* of its last reports */
	int64_t days;		  /* on how many it had reports */
	int64_t sessions, failed; /* in its last reports */
};

struct store_alert_failure {
	struct str reporter;
	struct str result_type;
	int64_t sessions;
};

struct store_alert_facts {
	struct store_alert_reporter *reporters;
	size_t n_reporters;
	/* In the last reports of each reporter. */
	struct store_alert_failure *failures;
	size_t n_failures;
	/* In reports that nothing proves; reporter is empty. */
	struct store_alert_failure *unproven;
	size_t n_unproven;
};

/* Of reports received since a time, about days since that time. */
enum status store_alert_facts_get(struct store *s, struct arena *a,
	struct str tenant, struct str domain, int64_t since,
	struct store_alert_facts *out, struct err *e);

struct store_alert_domain {
	struct str tenant, domain;
};
/*
 * Whose reports have an id after that one and were received since that time,
 * and of which domains an alert is not closed if with_alerts.
 */
enum status store_alert_domains(struct store *s, struct arena *a,
	struct str after, int64_t since, bool with_alerts,
	struct store_alert_domain **out, size_t *n, struct err *e);
/* The newest report's id; empty: none yet. */
enum status store_alert_newest(
	struct store *s, struct arena *a, struct str *id, struct err *e);
/* How many reports that could not be read came since a time. */
enum status store_alert_unread(
	struct store *s, int64_t since, int64_t *n, struct err *e);

/*
 * What came in within a day or a week that begins on that day, and what is the
 * matter. What could not be read has no tenant: the default one is told.
 */
enum status store_digest_get(struct store *s, struct arena *a,
	struct str tenant, bool weekly, int64_t day, struct tlsrpt_digest *out,
	struct err *e);

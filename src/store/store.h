/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: everything moat must not forget, as named operations. No SQL leaves
 * this folder; what differs between database engines is a small table behind
 * struct store, so that the operations exist once.
 *
 * Shapes, for every operation:
 *  - Rows are plain structs. Their str members point into the arena of the call
 *    that read them; writing copies. Optional text is the empty str, optional
 *    times are 0. Times are UTC seconds. Names are lower-case A-labels without
 *    a trailing dot.
 *  - Ids are made by the program (see store_new_id), never by the database.
 *  - A write that the view must follow appends to the change feed in the same
 *    transaction. A write outside store_begin/store_commit is a transaction of
 *    its own; between them it is part of that one.
 *  - Status: ST_OK; ST_NOTFOUND no such row; ST_INVALID the row breaks a rule
 *    (exists already, refers to nothing); ST_LIMIT the arena is full; ST_TEMP
 *    the database is busy, full or unreachable: later; ST_PERM it is damaged or
 *    of another version. Outputs stay untouched unless ST_OK.
 *  - store_x_prune drops at most limit rows, the oldest first, so that no other
 *    writer waits long; *n (may be NULL) tells how many it dropped.
 *  - A struct store belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct store;

/*
 * Opens the database at target and brings its schema up to date (one process
 * at a time does so, others wait). target is a path for SQLite; "postgresql:"
 * and what follows it is reserved.
 */
enum status store_open(const char *target, struct store **out, struct err *e);
void store_close(struct store **s);

/*
 * One transaction around several operations. It holds the write lock from the
 * beginning, so what is read in it stays true until the commit. After any
 * failure inside, call store_rollback; a commit that fails has done so. They
 * do not nest (that is a BUG).
 * store_rollback does nothing when no transaction is open.
 */
enum status store_begin(struct store *s, struct err *e);
enum status store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);

/*
 * 26 characters 0-9a-v: time in ms, the ns in it, then 56 random bits. They
 * sort by time, and those of one process in the order they were made.
 */
struct str store_new_id(struct arena *a);

/* A list of texts, none of which contains a line feed. */
struct store_strs {
	struct str *items;
	size_t n;
};

/* ---- meta: single values that belong to the whole installation ---------- */

enum status store_meta_get(struct store *s, struct arena *a, struct str key,
	struct str *value, struct err *e);
enum status store_meta_put(
	struct store *s, struct str key, struct str value, struct err *e);

/* The CA's issuer names for CAA (RFC 8659), with line feeds between them. */
#define STORE_META_CAA STR("acme.caa")

/* ---- tenant -------------------------------------------------------------- */

/* Exists from the beginning; what has no other owner is its own. */
#define STORE_TENANT_DEFAULT STR("default")
/* Owns the certificates of system hosts (console, report host). Not listed. */
#define STORE_TENANT_SYSTEM STR("system")

struct store_tenant {
	struct str id;	 /* a-z 0-9 -, at most 63 */
	struct str name; /* for people */
	int64_t created;
};

enum status store_tenant_add(
	struct store *s, const struct store_tenant *t, struct err *e);
enum status store_tenant_get(struct store *s, struct arena *a, struct str id,
	struct store_tenant *out, struct err *e);
enum status store_tenant_list(struct store *s, struct arena *a,
	struct store_tenant **out, size_t *n, struct err *e);

/* ---- domain -------------------------------------------------------------- */

enum store_mode { STORE_MODE_NONE, STORE_MODE_TESTING, STORE_MODE_ENFORCE };

/* "none", "testing", "enforce" (RFC 8461 section 3.2). */
const char *store_mode_name(enum store_mode m);
enum status store_mode_parse(struct str s, enum store_mode *out);

/* What shows now that the domain is the tenant's (docs/architecture.md). */
enum store_proof {
	STORE_PROOF_NONE,  /* nothing: nothing is ordered, nothing served */
	STORE_PROOF_CNAME, /* mta-sts.D leads to the label: all is allowed */
	STORE_PROOF_ACME,  /* only _acme-challenge.mta-sts.D leads to it:
			      dns-01 only, nothing served yet */
	STORE_PROOF_TXT,   /* the token at _moat.D: http-01, tls-alpn-01 */
};
const char *store_proof_name(enum store_proof p);

/* The names a customer points to us, in the order of the table below. */
enum store_cname_which {
	STORE_CNAME_HOST,   /* mta-sts.D          -> ID.ZONE */
	STORE_CNAME_STS,    /* _mta-sts.D         -> _mta-sts.ID.ZONE */
	STORE_CNAME_TLSRPT, /* _smtp._tls.D       -> _smtp._tls.ID.ZONE */
	STORE_CNAME_ACME,   /* _acme-challenge.mta-sts.D, optional */
	STORE_CNAMES,
};

enum store_cname_state {
	STORE_CNAME_UNKNOWN,   /* never looked, or the last look-up failed */
	STORE_CNAME_OK,	       /* leads to us */
	STORE_CNAME_MISSING,   /* the name does not exist */
	STORE_CNAME_ELSEWHERE, /* something else is there */
};
const char *store_cname_state_name(enum store_cname_state c);

struct store_cname {
	enum store_cname_state state;
	struct str found; /* what is there instead, for people */
};

struct store_domain {
	struct str tenant, name; /* the key */
	struct str label; /* ID of the hosted zone: 16 x a-z2-7, never reused */
	struct str token; /* what _moat.D must say as its TXT */
	int64_t created;

	/* What the tenant wants. */
	enum store_mode mode;
	int64_t max_age; /* seconds */
	struct store_strs mx;
	int64_t mx_confirmed;	       /* when a person said yes, 0 not yet */
	struct store_strs mx_proposed; /* DNS says this now, n == 0: no drift */
	int64_t mx_proposed_at;
	int64_t mx_checked; /* when DNS last told the MX hosts, 0 never */
	struct store_strs rua_extra; /* URIs beside ours in the TLSRPT TXT */
	bool rua_mail, rua_https;    /* which of our own URIs stand there */

	/* The policy as rendered: body in the view first, then its id in DNS.
	 * dns_id == policy_id once all nodes serve the body. */
	struct str policy_id, policy_body; /* empty while there is none */
	int64_t policy_since;		   /* when this body became current */
	int64_t policy_seq; /* the change that carried the body */
	struct str dns_id;  /* the id the TXT record shows */

	/* Proof, kept fresh by the keeper. */
	enum store_proof proof;
	int64_t proof_since, proof_checked, proof_next; /* next: due time */
	int64_t proof_tries; /* checks since the last change, for back-off */
	struct str proof_detail; /* what the last check found, for people */
	struct store_cname cname[STORE_CNAMES];

	/* Leaving. */
	int64_t served_since;	/* first moment strangers could get a policy */
	int64_t not_none_until; /* no sender holds another than none after it;
				   a policy being served now is not counted */
	int64_t retiring; /* when retiring began: mode none until it is safe */
	int64_t removed;  /* when it left: the row stays, the label with it */

	struct str attention; /* why a person must look, empty: nothing */
};

/*
 * Adds a domain. ST_INVALID if the tenant has it already, or the label was ever
 * used (also by a removed domain, any case). A removed row of the same name is
 * replaced by the new one; its label stays taken.
 */
enum status store_domain_add(
	struct store *s, const struct store_domain *d, struct err *e);
/* Writes all columns; the label cannot change. Appends a change. */
enum status store_domain_put(
	struct store *s, const struct store_domain *d, struct err *e);
/*
 * Writes proof*, cname, mx_proposed*, mx_checked, attention: what checks find.
 * Appends a change only if published says that the view must follow.
 */
enum status store_domain_put_checked(struct store *s,
	const struct store_domain *d, bool published, struct err *e);
/* Sets served_since unless it is set. No change. */
enum status store_domain_served(struct store *s, struct str tenant,
	struct str name, int64_t at, struct err *e);
/* Lets the TXT record show policy_id, if that still is id. Appends a change. */
enum status store_domain_flip(struct store *s, struct str tenant,
	struct str name, struct str id, struct err *e);
/* All labels the tenant's domain of that name ever had. */
enum status store_domain_labels(struct store *s, struct arena *a,
	struct str tenant, struct str name, struct store_strs *out,
	struct err *e);
/* Removed domains are not found by get, claims and list, only by label. */
enum status store_domain_get(struct store *s, struct arena *a,
	struct str tenant, struct str name, struct store_domain *out,
	struct err *e);
enum status store_domain_by_label(struct store *s, struct arena *a,
	struct str label, struct store_domain *out, struct err *e);
/* All tenants' rows of one name. */
enum status store_domain_claims(struct store *s, struct arena *a,
	struct str name, struct store_domain **out, size_t *n, struct err *e);

struct store_domain_filter {
	struct str tenant; /* empty: all tenants */
	/* the page begins behind this key */
	struct str after_tenant, after_name;
	size_t limit; /* 1..1000 */
};
/* In order of (tenant, name). */
enum status store_domain_list(struct store *s, struct arena *a,
	const struct store_domain_filter *f, struct store_domain **out,
	size_t *n, struct err *e);
/*
 * Rows whose proof_next has come: the earliest of each tenant, then the second
 * of each, so that a tenant with many keeps nobody waiting.
 */
enum status store_domain_checks_due(struct store *s, struct arena *a,
	int64_t now, size_t limit, struct store_domain **out, size_t *n,
	struct err *e);
/* Rows with dns_id != policy_id and policy_seq <= applied. */
enum status store_domain_flips_due(struct store *s, struct arena *a,
	int64_t applied, size_t limit, struct store_domain **out, size_t *n,
	struct err *e);
/* Retiring rows whose not_none_until has passed. */
enum status store_domain_retired(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_domain **out, size_t *n, struct err *e);
enum status store_domain_count(struct store *s, int64_t *out, struct err *e);

/* ---- policy history ------------------------------------------------------ */

struct store_policy {
	struct str tenant, domain, id; /* id: as in the TXT record */
	struct str body;
	enum store_mode mode;
	int64_t max_age, since;
	struct str actor, reason; /* who, and why in a few words */
};

enum status store_policy_add(
	struct store *s, const struct store_policy *p, struct err *e);
/* Newest first. */
enum status store_policy_list(struct store *s, struct arena *a,
	struct str tenant, struct str domain, size_t limit,
	struct store_policy **out, size_t *n, struct err *e);

/* ---- certificate --------------------------------------------------------- */

struct store_cert {
	struct str tenant, host; /* host: mta-sts.D, or a system host */
	struct str id;		 /* SHA-256 of the leaf, 64 hex digits */
	struct store_strs chain; /* DER, leaf first (any bytes) */
	struct str key_sealed;	 /* as pki_key_write, sealed for "cert" */
	int64_t not_before, not_after, created;
	struct str issuer, serial; /* for people; serial in hex */
	struct str source;	   /* "acme", "files", "exec", "local-ca" */
	struct str directory;	   /* ACME: the CA's directory URL */
	/* ARI (RFC 9773): the window, when to ask again, why. */
	int64_t ari_start, ari_end, ari_next;
	struct str ari_url;
	int64_t renew_at; /* when an order is to be queued */
};

/* Adds a certificate, current from now on. Appends a change. */
enum status store_cert_add(
	struct store *s, const struct store_cert *c, struct err *e);
/* Writes ari_*, renew_at of (tenant, host, id). No change. */
enum status store_cert_put_times(
	struct store *s, const struct store_cert *c, struct err *e);
/* The current (last added) certificate of a host. */
enum status store_cert_current(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_cert *out,
	struct err *e);
/* How many are current; those of removed domains do not count. */
enum status store_cert_count(struct store *s, int64_t *out, struct err *e);
/* The one of these that ends first (without chain, key); ST_NOTFOUND: none. */
enum status store_cert_first_end(struct store *s, struct arena *a,
	struct store_cert *out, struct err *e);
/* Newest first, without chain and key. */
enum status store_cert_list(struct store *s, struct arena *a, struct str tenant,
	struct str host, size_t limit, struct store_cert **out, size_t *n,
	struct err *e);
/* Current ones whose renew_at, or ari_next, has come (without chain, key). */
enum status store_cert_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_cert **out, size_t *n, struct err *e);
/* Drops all but the current one of each host that ended before a time. */
enum status store_cert_prune(struct store *s, int64_t before, size_t limit,
	int64_t *n, struct err *e);

/* ---- ACME (RFC 8555) ----------------------------------------------------- */

struct store_acme_account {
	struct str directory;	 /* the key: the CA's directory URL */
	struct str url;		 /* "kid"; empty until registered */
	struct str key_sealed;	 /* as pki_key_write, sealed for "account" */
	struct str contact, tos; /* mailto: URIs; the terms agreed to */
	struct str status;	 /* the CA's word: valid, deactivated, ... */
	int64_t created;
};

enum status store_acme_account_put(
	struct store *s, const struct store_acme_account *a, struct err *e);
enum status store_acme_account_get(struct store *s, struct arena *a,
	struct str directory, struct store_acme_account *out, struct err *e);

enum store_order_state {
	STORE_ORDER_QUEUED,	/* nothing sent yet */
	STORE_ORDER_NEW,	/* newOrder answered: url, authorizations */
	STORE_ORDER_CHALLENGED, /* challenge published, not yet posted */
	STORE_ORDER_VALIDATING, /* posted; the CA looks */
	STORE_ORDER_READY,	/* all authorizations valid */
	STORE_ORDER_FINALIZING, /* CSR sent */
	STORE_ORDER_ISSUED,	/* certificate URL known, to be fetched */
	STORE_ORDER_DONE,	/* certificate stored */
	STORE_ORDER_FAILED,	/* given up for good; the row is history */
};
const char *store_order_state_name(enum store_order_state o);

struct store_acme_order {
	struct str id;		 /* store_new_id */
	struct str tenant, host; /* whose certificate */
	struct str directory, profile;
	struct str reason;   /* "first", "renewal", "revoked", "manual" */
	struct str replaces; /* ARI certID of the one it replaces */
	enum store_order_state state;
	struct str url, finalize_url, cert_url;
	struct str key_sealed; /* the new certificate's key, "cert" */
	struct str challenge;  /* "http-01", "tls-alpn-01", "dns-01" */
	struct str authz_url, challenge_url, token; /* the one identifier's */
	int64_t challenge_seq; /* the change that publishes the challenge */
	int64_t attempts;      /* failed ones so far */
	int64_t next_at;       /* not before this time */
	int64_t created, updated;
	int64_t expires; /* the CA's end for the order, 0 unknown */
	/* The last problem (RFC 7807), kept until the next success. */
	struct str problem_type, problem_detail;
	int64_t problem_at;
	struct str cert_id; /* DONE: which certificate */
};

/* Adds an order; ST_INVALID if an unfinished one of that host exists. */
enum status store_acme_order_add(
	struct store *s, const struct store_acme_order *o, struct err *e);
/* Writes all columns but id, tenant, host. */
enum status store_acme_order_put(
	struct store *s, const struct store_acme_order *o, struct err *e);
enum status store_acme_order_get(struct store *s, struct arena *a,
	struct str id, struct store_acme_order *out, struct err *e);
/* The newest of a host, finished or not. */
enum status store_acme_order_last(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_acme_order *out,
	struct err *e);
/* Unfinished ones whose next_at has come, in order of next_at. */
enum status store_acme_order_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_acme_order **out, size_t *n, struct err *e);
/*
 * How many are unfinished, and for how many hosts the newest order has failed
 * at least once without success since.
 */
enum status store_acme_order_count(
	struct store *s, int64_t *unfinished, int64_t *failing, struct err *e);
/* Newest first; tenant and host empty: all. */
enum status store_acme_order_list(struct store *s, struct arena *a,
	struct str tenant, struct str host, size_t limit,
	struct store_acme_order **out, size_t *n, struct err *e);

/* Drops finished ones last written before a time, but not a host's newest. */
enum status store_acme_order_prune(struct store *s, int64_t before,
	size_t limit, int64_t *n, struct err *e);

/* A token bucket or a counter of the CA's limits, by name. */
struct store_acme_bucket {
	struct str name;     /* "directory|limit|key" */
	int64_t level_milli; /* tokens left, in thousandths */
	int64_t at;	     /* when level_milli was true */
};
/* ST_NOTFOUND: a bucket never drawn from, full. */
enum status store_acme_bucket_get(struct store *s, struct arena *a,
	struct str name, struct store_acme_bucket *out, struct err *e);
enum status store_acme_bucket_put(
	struct store *s, const struct store_acme_bucket *b, struct err *e);

/* ---- challenge: what edge and dns must answer right now ------------------ */

enum store_challenge_type {
	STORE_CHALLENGE_HTTP01, /* token, value = key authorization */
	STORE_CHALLENGE_ALPN01, /* cert_der, key_sealed (purpose "alpn") */
	STORE_CHALLENGE_DNS01,	/* value = TXT text at _acme-challenge.ID */
};

struct store_challenge {
	struct str tenant, host; /* host: the name being validated */
	enum store_challenge_type type;
	struct str token; /* the key together with tenant, host, type */
	struct str value;
	struct str cert_der, key_sealed;
	int64_t expires; /* the keeper drops it then */
	struct str order_id;
};

/*
 * Publishes a challenge: appends a change and gives its seq (may be NULL). It
 * is visible to strangers once store_node_applied is at least that.
 */
enum status store_challenge_put(struct store *s,
	const struct store_challenge *c, int64_t *seq, struct err *e);
/* Withdraws all challenges of an order; ST_OK if there were none. */
enum status store_challenge_drop(
	struct store *s, struct str order_id, struct err *e);
enum status store_challenge_list(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_challenge **out,
	size_t *n, struct err *e);
/* Drops the expired ones, each with its change. */
enum status store_challenge_expire(struct store *s, int64_t now, struct err *e);

/* ---- report: TLS reports taken in (RFC 8460) ----------------------------- */

struct store_report_failure {
	struct str result_type; /* as in the report */
	struct str sending_ip, receiving_host, receiving_helo, receiving_ip;
	struct str reason_code, info_uri;
	int64_t sessions;
};

struct store_report_policy {
	struct str type;   /* "sts", "tlsa", "no-policy-found", or as given */
	struct str domain; /* policy-domain */
	struct store_strs strings, mx;
	int64_t ok, failed; /* summary counts */
	struct store_report_failure *failures;
	size_t n_failures;
};

/* What becomes of a report. */
enum store_report_state {
	STORE_REPORT_ACCEPTED,
	STORE_REPORT_QUARANTINED, /* shown apart, counted nowhere */
	STORE_REPORT_IGNORED,	  /* kept, and shown only on demand */
	STORE_REPORT_STATES,
};
/* "accepted", "quarantined", "ignored". */
const char *store_report_state_name(enum store_report_state state);

/* Kept by the store. */
enum store_report_counted {
	STORE_REPORT_UNCOUNTED, /* not part of what report_view.h adds up */
	STORE_REPORT_COUNTED,
	STORE_REPORT_SETTLED, /* counted, its policies and failures dropped for
				 their age: not shown, and not added again */
};

struct store_report {
	struct str tenant, id; /* id: store_new_id */
	struct str domain;     /* the tenant's domain, by the label */
	struct str org, report_id, contact;
	/* Who reports, as sums and failures name him: the organisation, and
	 * the domain whose signature proves it: "Google Inc. (google.com)".
	 * Kept by the store. */
	struct str reporter;
	int64_t begin, end, received;
	struct str via; /* "post", "import", "mail" */
	/* What shows that it is the sender's: empty: nothing (unauthenticated);
	 * "import": the operator's word; "dkim:DOMAIN": a signature. Each is
	 * better than the one before. */
	struct str proof;
	enum store_report_state state;
	struct str why; /* it is not accepted, or the signature fails */
	/* The signature of the mail that matters most: "pass", "fail", "none";
	 * empty: it was no mail. A pass counts as proof only if its domain is
	 * the reporting one or above it (aligned). */
	struct str dkim, dkim_domain;
	bool dkim_aligned;
	struct str raw_name;   /* the raw report's file name in the spool */
	struct str raw_sha256; /* 64 hex digits */
	struct str quirks;     /* names of leniencies used, with commas */
	struct store_report_policy
		*policies; /* never added up: a sender may
			      count a session under several */
	size_t n_policies;
	enum store_report_counted counted; /* ignored by store_report_add */
};

/*
 * Adds a report with all its rows, and to what reports add up to, unless the
 * tenant has one of the same (domain, org, report_id, begin, end) with equal or
 * better proof; *added (may be NULL) tells. An unauthenticated report stands in
 * the way of nothing but the same raw bytes coming again, and a signed one of
 * nothing less proven but what names a contact in its domain, so that a
 * stranger's report never hides another; nor does one that is not accepted hide
 * one that is. In the same way a better proven one takes the place of a lesser
 * one. Adding the same report again after a crash changes nothing.
 */
enum status store_report_add(struct store *s, const struct store_report *r,
	bool *added, struct err *e);
/* With policies and failures. */
enum status store_report_get(struct store *s, struct arena *a,
	struct str tenant, struct str id, struct store_report *out,
	struct err *e);

/* What becomes of a tenant's reports that nothing proves. */
struct store_report_rule {
	enum store_report_state mail; /* QUARANTINED unless it was put */
	enum store_report_state post; /* ACCEPTED unless it was put */
};
/* ST_NOTFOUND: no such tenant. */
enum status store_report_rule_get(struct store *s, struct str tenant,
	struct store_report_rule *out, struct err *e);
enum status store_report_rule_put(struct store *s, struct str tenant,
	const struct store_report_rule *rule, struct err *e);

/* How many reports of a tenant there are, by state and with proof or not. */
struct store_report_counts {
	int64_t proven[STORE_REPORT_STATES], unproven[STORE_REPORT_STATES];
};
enum status store_report_count(struct store *s, struct str tenant,
	struct store_report_counts *out, struct err *e);

struct store_report_filter {
	struct str tenant; /* must be set */
	struct str domain; /* empty: all */
	int64_t from, to;  /* begin >= from and begin < to; to 0: open */
	struct str before; /* the page begins before this id; empty: newest */
	size_t limit;	   /* 1..1000 */
	enum store_report_state state;
};
/* Newest first. with_rows: policies and failures too. */
enum status store_report_list(struct store *s, struct arena *a,
	const struct store_report_filter *f, bool with_rows,
	struct store_report **out, size_t *n, struct err *e);
/* Seconds; 0: as the settings say. */
struct store_report_keep {
	int64_t raw;	/* the files as they came */
	int64_t detail; /* reports, policies, failures */
	int64_t totals; /* what they add up to, by the day they are about */
};
/* How long a tenant keeps what. ST_NOTFOUND: no such tenant. */
enum status store_report_keep_get(struct store *s, struct str tenant,
	struct store_report_keep *out, struct err *e);
enum status store_report_keep_put(struct store *s, struct str tenant,
	const struct store_report_keep *keep, struct err *e);
/*
 * Drops what each tenant has kept long enough (by default: usual); counted
 * reports leave what they added up to behind. Also counts reports that an
 * earlier version of the schema left uncounted. *n: rows, limit of each kind.
 */
enum status store_report_prune(struct store *s, int64_t now,
	const struct store_report_keep *usual, size_t limit, int64_t *n,
	struct err *e);
/*
 * How long the raw file of that name is kept: the longest of the tenants whose
 * report it holds. ST_NOTFOUND: no report comes from it.
 */
enum status store_report_raw_keep(struct store *s, struct str raw_name,
	int64_t usual, int64_t *out, struct err *e);

/*
 * Erases a tenant's reports about a domain (empty: about all) that begin on the
 * days from <= day < to (since 1970), with all they added up to. *raw: the
 * files they came from and that no other report comes from.
 */
enum status store_report_erase(struct store *s, struct arena *a,
	struct str tenant, struct str domain, int64_t from, int64_t to,
	struct store_strs *raw, int64_t *n, struct err *e);

/* Drops the reports that come from the raw file of that name. */
enum status store_report_drop_raw(
	struct store *s, struct str raw_name, struct err *e);
/* Does a report of any tenant come from the raw file of that name? */
enum status store_report_has_raw(
	struct store *s, struct str raw_name, bool *out, struct err *e);

/* A file that could not be read; it lies in spool/bad under its name. */
struct store_bad_report {
	struct str name; /* the key */
	struct str via, label, remote;
	int64_t received, bytes;
	struct str reason; /* for people */
};

/* Adds, or replaces the one of that name. */
enum status store_bad_report_put(
	struct store *s, const struct store_bad_report *b, struct err *e);
/* Newest name first; before: the page begins before it, empty: the newest. */
enum status store_bad_report_list(struct store *s, struct arena *a,
	struct str before, size_t limit, struct store_bad_report **out,
	size_t *n, struct err *e);
/* Drops the one of that name; ST_OK if there was none. */
enum status store_bad_report_drop(
	struct store *s, struct str name, struct err *e);
/* Drops those received before a time. */
enum status store_bad_report_prune(struct store *s, int64_t before,
	size_t limit, int64_t *n, struct err *e);

/* ---- change feed --------------------------------------------------------- */

enum store_change_kind {
	STORE_CHANGE_DOMAIN,	/* key: domain name */
	STORE_CHANGE_CERT,	/* key: host name */
	STORE_CHANGE_CHALLENGE, /* key: host name */
	STORE_CHANGE_REBUILD,	/* key empty: somebody asked for a new view */
};

struct store_change {
	int64_t seq; /* without gaps of meaning: commit order is seq order */
	enum store_change_kind kind;
	struct str tenant, key;
	int64_t at;
};

/* Appends a change; its seq to *seq (may be NULL). */
enum status store_change_add(struct store *s, enum store_change_kind kind,
	struct str tenant, struct str key, int64_t *seq, struct err *e);
/* Those with seq > after, in order. */
enum status store_change_list(struct store *s, struct arena *a, int64_t after,
	size_t limit, struct store_change **out, size_t *n, struct err *e);
/* The last seq given (0: none yet), and the first still listed (0: none). */
enum status store_change_range(
	struct store *s, int64_t *first, int64_t *last, struct err *e);
/* Drops those with seq <= upto and older than a time. */
enum status store_change_prune(
	struct store *s, int64_t upto, int64_t before, struct err *e);

/* ---- node and lease ------------------------------------------------------ */

struct store_node {
	struct str name;
	int64_t applied_seq; /* its view contains all changes up to this */
	int64_t seen;	     /* last sign of life */
	int64_t zone_serial; /* of its view */
};

/* A node silent for longer than this does not hold the others back. */
#define STORE_NODE_DEAD_S 60

enum status store_node_put(
	struct store *s, const struct store_node *n, struct err *e);
enum status store_node_list(struct store *s, struct arena *a,
	struct store_node **out, size_t *n, struct err *e);
/* The lowest applied_seq of nodes alive at now; ST_NOTFOUND if none is. */
enum status store_node_applied(
	struct store *s, int64_t now, int64_t *seq, struct err *e);

/*
 * Takes or renews the lease for ttl seconds. ST_OK: holder has it until
 * now + ttl. ST_AGAIN: another holds it; *until (may be NULL) says how long.
 */
enum status store_lease_take(struct store *s, struct str name,
	struct str holder, int64_t now, int64_t ttl_s, int64_t *until,
	struct err *e);
enum status store_lease_drop(
	struct store *s, struct str name, struct str holder, struct err *e);

/* ---- audit log ----------------------------------------------------------- */

struct store_audit {
	struct str id; /* given by the store when empty */
	struct str tenant;
	int64_t at;
	struct str actor;  /* "admin socket uid 0", a user, "keeper" */
	struct str action; /* "domain.add", "domain.mode", ... */
	struct str object; /* usually the domain */
	struct str detail; /* one line for people */
};

enum status store_audit_add(
	struct store *s, const struct store_audit *a, struct err *e);
/* Newest first; tenant, object empty: all; before an id, empty: from the top.
 */
enum status store_audit_list(struct store *s, struct arena *a,
	struct str tenant, struct str object, struct str before, size_t limit,
	struct store_audit **out, size_t *n, struct err *e);

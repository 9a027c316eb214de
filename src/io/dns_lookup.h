/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_lookup: look-ups on the loop, for front roles. Two ways to DNSSEC:
 *
 *  - DNS_LOOKUP_VALIDATE: libunbound validates here, from the root's keys down;
 *  - DNS_LOOKUP_TRUST: a small stub believes the AD bit of a resolver that is
 *    ours (RFC 6840 section 5.7, RFC 7672 section 2.1.3); the self-test says
 *    whether that resolver earns it;
 *  - DNS_LOOKUP_OFF: the same stub, and nothing is ever secure.
 *
 * Whether an answer may be held secure is RESOLVER_SECURE of the answer; what
 * follows from a resolver that cannot do DNSSEC is dns_lookups_dnssec.
 *
 * Without servers resolv.conf tells them. It is read again when it changed: a
 * sandbox has to allow that (resolv_conf_folders). All other files are read in
 * open.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/resolver.h"

#define DNS_LOOKUP_SERVERS_MAX 8
#define DNS_LOOKUP_CHECK_S 3600	 /* between two good self-tests */
#define DNS_LOOKUP_RECHECK_S 60	 /* after one that was not good */
#define DNS_LOOKUP_KEEP_S 86400	 /* VALIDATE: GOOD outlives bogus answers */
#define DNS_LOOKUP_CHECK_TRIES 3 /* then DNSSEC never seen is broken */

enum dns_lookup_mode {
	DNS_LOOKUP_VALIDATE,
	DNS_LOOKUP_TRUST,
	DNS_LOOKUP_OFF,
};

/* All strings are copied. */
struct dns_lookups_options {
	enum dns_lookup_mode mode;
	const struct str *servers; /* "IP:port"; none: resolv.conf */
	size_t n_servers;
	const struct resolver_stub *stubs; /* only VALIDATE */
	size_t n_stubs;
	const char *root_anchor; /* only VALIDATE: file with the root's keys */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	struct str check_name;	 /* signed; empty: the root */
	struct str bogus_name;	 /* has a broken signature; empty: none */
};

struct dns_lookups;

/*
 * ST_PERM: an address or the root anchor is no good, or libunbound refuses the
 * options. A resolv.conf that is missing or empty is logged (dns.no_resolver),
 * and look-ups fail with ST_TEMP until there is one.
 */
enum status dns_lookups_open(struct loop *l,
	const struct dns_lookups_options *o, struct dns_lookups **out,
	struct err *e);

/*
 * Ends all look-ups without calling back; clears *l; NULL is allowed. Memory
 * goes at the end of the loop's turn.
 */
void dns_lookups_close(struct dns_lookups **l);

/* ---- look-ups ------------------------------------------------------------ */

/*
 * Status and answer as resolver_lookup's: ST_OK with the answer, a negative or
 * bogus one included (answer is NULL otherwise); ST_TEMP: none in time,
 * SERVFAIL (what a trusted resolver says when the chain is broken), refused;
 * ST_INVALID: no domain name; ST_LIMIT: the answer is too large. All borrowed.
 */
typedef void dns_lookup_fn(void *ctx, enum status st,
	const struct resolver_answer *answer, const struct err *e);

/* All zero: not running. Belongs to the caller and stays in its place. */
struct dns_lookup {
	struct dns_query *query;
};

/* Asks for (name, type), following CNAMEs. q must not be running. */
void dns_lookup_start(struct dns_lookup *q, struct dns_lookups *l,
	struct str name, uint16_t type, int timeout_ms, dns_lookup_fn *done,
	void *ctx);

/* done will not be called. Not running: does nothing. */
void dns_lookup_cancel(struct dns_lookup *q);

/* ---- the self-test ------------------------------------------------------- */

enum dns_dnssec {
	DNS_DNSSEC_OFF,	    /* by DNS_LOOKUP_OFF */
	DNS_DNSSEC_UNKNOWN, /* no test has ended yet */
	DNS_DNSSEC_GOOD,
	DNS_DNSSEC_BROKEN,
};

typedef void dns_check_fn(void *ctx, enum dns_dnssec state);

/*
 * Tests now, hourly, every minute while it is not good, and when the servers
 * have changed: check_name must come back secure, bogus_name must not. Called
 * again it tests again now. changed (or NULL) is called whenever the state has
 * changed, and each change is logged (dns.dnssec_good, dns.dnssec_broken).
 *
 * An answer that shows the resolver to be no good makes it BROKEN at once. No
 * answer proves nothing: what was GOOD stays so (else whoever can stop packets
 * could switch DANE off), what never was is BROKEN after
 * DNS_LOOKUP_CHECK_TRIES. With DNS_LOOKUP_VALIDATE a bogus answer proves no
 * more, for who can forge can spoil signatures: GOOD stays for
 * DNS_LOOKUP_KEEP_S since the last good test with the same servers, and each
 * such answer is logged (dns.dnssec_bogus).
 */
void dns_lookups_check_start(
	struct dns_lookups *l, dns_check_fn *changed, void *ctx);

/* The state; why (may be NULL) gets a sentence when it is BROKEN or OFF. */
enum dns_dnssec dns_lookups_dnssec(
	const struct dns_lookups *l, struct err *why);

/* ---- counters ------------------------------------------------------------ */

struct dns_lookups_counts {
	uint64_t started, failed; /* look-ups; failed: not ST_OK */
	uint64_t bogus;
	/* The stub's packets. */
	uint64_t sent, retried, tcp;
	uint64_t ignored; /* answers that match no question */
};

struct dns_lookups_counts dns_lookups_counts(const struct dns_lookups *l);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver: look-ups with DNSSEC by libunbound. Blocking with a deadline: for
 * back roles. One resolver belongs to one thread.
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

struct resolver;

enum resolver_dnssec {
	RESOLVER_VALIDATE, /* from the root's keys down, here */
	RESOLVER_OFF,	   /* nothing is ever secure */
};

/* A zone whose servers are given, not looked for. */
struct resolver_stub {
	struct str zone;
	struct str server; /* "IP:port" */
};

struct resolver_options {
	const struct str *servers; /* "IP:port"; none: /etc/resolv.conf */
	size_t n_servers;
	const struct resolver_stub *stubs;
	size_t n_stubs;
	enum resolver_dnssec dnssec;
	const char *root_anchor; /* file with the root's keys */
};

/* ST_PERM: libunbound refuses the options, or root_anchor is not there. */
enum status resolver_open(
	const struct resolver_options *o, struct resolver **out, struct err *e);
void resolver_close(struct resolver **r);

enum resolver_security {
	RESOLVER_INSECURE, /* no chain of trust leads there */
	RESOLVER_SECURE,
	RESOLVER_BOGUS, /* the chain is broken; there are no records then */
};

struct resolver_answer {
	bool nxdomain; /* the name does not exist */
	enum resolver_security security;
	struct str canonical; /* where CNAMEs led to; the name itself if not */
	struct str *rdata;    /* n == 0: no records of the type */
	size_t n;
	uint32_t ttl;
	struct str why_bogus;
};

/*
 * Looks (name, type) up; CNAMEs are followed. ST_OK: there is an answer, a
 * negative or bogus one included. ST_TEMP: none in time, SERVFAIL, refused.
 * ST_INVALID: no domain name.
 */
enum status resolver_lookup(struct resolver *r, struct str name, uint16_t type,
	struct mono deadline, struct arena *a, struct resolver_answer *out,
	struct err *e);

/* SPDX-License-Identifier: Apache-2.0 */
/* probe_own: what probe*.c share; nobody else includes it. */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "check/probe.h"
#include "io/addr.h"
#include "io/dns_client.h"
#include "io/probe_client.h"
#include "proto/dns_rr.h"

struct http_client;

struct probe {
	const struct probe_options *o;
	struct resolver *resolver;
	struct http_client *http;
};

struct strs {
	struct str *items;
	size_t n, cap;
};

/* One question being worked on. */
struct job {
	struct probe *p;
	struct arena *a;
	const struct json *q; /* the question */
	struct mono deadline;

	/* The answer so far. */
	enum probe_result result;
	struct str detail;
	bool missing;
	struct strs found;
	struct strs notes; /* evidence: one line each, in order */
};

/* A server that was asked. */
struct asked {
	struct str name; /* of the server; its address if none is known */
	struct addr addr;
	bool answered;
	struct dns_result reply;
	struct err why; /* not answered: why */
};

struct servers {
	struct asked *items;
	size_t n, cap;
};

/* Sets the answer; the last call counts. */
void job_end(struct job *j, enum probe_result r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void job_note(struct job *j, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void job_found(struct job *j, struct str s);

/* A member that must be a string; false after job_end if it is not. */
bool job_word(struct job *j, const char *name, struct str *out);

/* May we talk to it? Notes it if not. */
bool job_may_reach(struct job *j, const struct addr *a);

/*
 * The name servers of the zone that name is in. ST_TEMP with the reason in e
 * if they cannot be found out.
 */
enum status probe_zone_servers(
	struct job *j, struct str name, struct servers *out, struct err *e);

/* Asks each server about (name, type). Returns how many answered. */
size_t probe_ask_servers(struct job *j, struct servers *s,
	const struct dns_name *name, uint16_t type);

/* The addresses of host, public ones only, at most PROBE_ADDRESSES_MAX. */
enum status probe_addresses(struct job *j, struct str host, uint16_t port,
	struct addr *out, size_t *n, struct err *e);

/* Lower-case text without trailing dot, in the job's arena. */
struct str probe_name_text(struct job *j, const struct dns_name *name);

/* The handlers. */
void probe_do_lookup(struct job *j);
void probe_do_authoritative(struct job *j);
void probe_do_cname(struct job *j);
void probe_do_txt(struct job *j);
void probe_do_mx(struct job *j);
void probe_do_caa(struct job *j);
void probe_do_http(struct job *j);
void probe_do_https(struct job *j);
void probe_do_address(struct job *j);
void probe_do_reverse(struct job *j);
void probe_do_soa(struct job *j);

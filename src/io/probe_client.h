/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_client: asking the role probe to look at the world. Roles that hold
 * the database, keys or the view do not touch the network themselves: they
 * send a question over probe.sock and get findings.
 *
 * The question is one JSON object, the answer another; its member "probe" is
 * the kind, the others by kind:
 *
 * - lookup (name, type): what a resolver says
 * - authoritative (name, type): what each name server of the zone says
 * - cname (name, target): does name lead to target?
 * - txt (name, value): is value one of the TXT records?
 * - mx (name): the MX hosts, if all servers agree
 * - caa (name, issuer, account, method): may this CA issue?
 * - http (host, path, expect): GET http://host/path
 * - https (host, expect): GET the policy of host
 * - address (host, expect): does host resolve to these addresses?
 * - reverse (address): the name of an address, and does it lead back?
 * - soa (zone, servers, serial): do all servers show the serial?
 *
 * Every answer has "result" (pass, fail, unknown), "detail" (a sentence for
 * people) and what was seen. Unknown means that it could not be found out, and
 * never counts as a pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#define PROBE_MESSAGE_BYTES_MAX (1u << 20)
#define PROBE_TIMEOUT_MS 30000 /* longer than any probe takes */

enum probe_result { PROBE_UNKNOWN, PROBE_PASS, PROBE_FAIL };

/* "unknown", "pass", "fail". */
const char *probe_result_name(enum probe_result r);

/* In the caller's arena. */
struct probe_finding {
	enum probe_result result;
	struct str detail; /* one sentence */
	struct str *found; /* what is there, as text: names, records */
	size_t n_found;
	bool missing;		     /* FAIL because there is nothing at all */
	const struct json *evidence; /* the whole answer; NULL: none came */
};

struct probe_client {
	const char *path; /* of probe.sock */
	int timeout_ms;	  /* 0: PROBE_TIMEOUT_MS */
	int stop_fd;	  /* readable: no answer is waited for; 0: none */
};

/*
 * Asks one question, a JSON object as text. It never fails: without an answer
 * the result is PROBE_UNKNOWN and detail says why.
 */
void probe_ask(const struct probe_client *c, struct arena *a, struct str json,
	struct probe_finding *out);

/* Has stop_fd become readable? Then PROBE_UNKNOWN says nothing of the world. */
bool probe_stopping(const struct probe_client *c);

/* Does name, asked at its own name servers, lead by CNAMEs to target?
 * found: the chain. */
void probe_cname(const struct probe_client *c, struct arena *a, struct str name,
	struct str target, struct probe_finding *out);

/* Is value one of the TXT records of name, at its own name servers? */
void probe_txt(const struct probe_client *c, struct arena *a, struct str name,
	struct str value, struct probe_finding *out);

/* The MX hosts of a domain. PASS only if all its name servers say the same;
 * found: the hosts, lower case, sorted. */
void probe_mx(const struct probe_client *c, struct arena *a, struct str domain,
	struct probe_finding *out);

/*
 * Do the CAA records (RFC 8659) of name, with CNAMEs and parents followed, let
 * issuer issue? account and method (RFC 8657) may be empty: not looked at.
 */
void probe_caa(const struct probe_client *c, struct arena *a, struct str name,
	struct str issuer, struct str account, struct str method,
	struct probe_finding *out);

/* Does GET http://host/path give exactly the bytes expect? */
void probe_http(const struct probe_client *c, struct arena *a, struct str host,
	struct str path, struct str expect, struct probe_finding *out);

/* Are all addresses of host among the n given ones? found: its addresses. */
void probe_address(const struct probe_client *c, struct arena *a,
	struct str host, const struct str *expect, size_t n,
	struct probe_finding *out);

/* Does the name of the address have the address, too? found: the name; FAIL
 * with one found: it does not. */
void probe_reverse(const struct probe_client *c, struct arena *a,
	struct str address, struct probe_finding *out);

/* Do all the servers ("IP" or "IP:port") show a serial of zone that is the
 * given one or newer (RFC 1982)? n == 0: the zone's own name servers. */
void probe_soa(const struct probe_client *c, struct arena *a, struct str zone,
	const struct str *servers, size_t n, uint32_t serial,
	struct probe_finding *out);

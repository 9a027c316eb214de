/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_discover: what a policy domain says about MTA-STS now: its TXT record
 * (RFC 8461 section 3.1) and its policy (sections 3.2 and 3.3). No memory of
 * earlier answers: that is the engine's.
 *
 * Both are asynchronous and obey the contract of io/loop.h. The handle *x is
 * NULL while nothing runs: a start sets it, and it is NULL again when fn is
 * called or after the cancel. It must stay where it is meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/https_get.h"
#include "io/loop.h"
#include "io/resolver.h"
#include "proto/ip_net.h"
#include "proto/sts_policy.h"
#include "proto/sts_record.h"
#include "proto/tlsrpt_report.h"

struct dns_lookups;

/* What all look-ups share; borrowed, so it must outlive them. */
struct sts_discover_env {
	struct loop *loop;
	struct dns_lookups *dns;
	struct https_client *https;
	uint16_t port;	/* of policy hosts; 0: 443 */
	int dns_ms;	/* for one DNS look-up; 0: STS_DISCOVER_DNS_MS */
	int fetch_ms;	/* for a policy, DNS included; 0: .._FETCH_MS */
	int connect_ms; /* until the next address is tried; 0: .._CONNECT_MS */
	bool allow_private;	      /* any address may be connected to */
	const struct ip_net *allowed; /* these too, beside public ones */
	size_t n_allowed;
};

#define STS_DISCOVER_DNS_MS 10000
#define STS_DISCOVER_FETCH_MS 60000 /* RFC 8461 section 3.3: one minute */
#define STS_DISCOVER_CONNECT_MS 5000
#define STS_DISCOVER_ADDRS_MAX 8 /* of a policy host; the rest is left */

/* ---- the record ---- */

struct sts_record_result {
	/* DNS did not answer, or with what DNSSEC proves wrong: nothing is
	 * known. The rest is then empty, but for why. */
	bool temp;
	enum sts_record_outcome outcome; /* all but VALID: no policy */
	struct str id;			 /* VALID */
	struct str text;		 /* VALID, INVALID: the record */
	size_t n_texts;			 /* TXT records of any kind */
	bool nxdomain;
	enum resolver_security security;
	struct str canonical; /* where CNAMEs led; else the name asked for */
	uint32_t ttl_s;	      /* also of a negative answer */
	int64_t took_ms;
	struct err why; /* unless VALID: one sentence */
};

/* The result is borrowed. */
typedef void sts_record_fn(void *ctx, const struct sts_record_result *r);

struct sts_record_lookup;

/* Looks up _mta-sts.DOMAIN; domain is lower case, in A-labels. */
void sts_record_start(struct sts_record_lookup **x,
	const struct sts_discover_env *env, struct str domain,
	sts_record_fn *fn, void *ctx);
void sts_record_cancel(struct sts_record_lookup **x);

/* ---- the policy ---- */

struct sts_fetch_result {
	bool fetched;
	/* fetched: VALID, and the file as it came. */
	struct sts_policy policy;
	struct str text;

	/* Not fetched: what a TLS report says (RFC 8460 section 4.3): one of
	 * TLSRPT_STS_POLICY_FETCH_ERROR, _POLICY_INVALID, _WEBPKI_INVALID, and
	 * a stable word (docs/policy-lookup.md). */
	enum tlsrpt_result failure;
	struct str reason;
	struct err why; /* one sentence */

	/* Evidence. */
	const struct addr *addrs; /* those that could be asked */
	size_t n_addrs;
	size_t n_refused; /* private and the like, see addr_is_public */
	int64_t dns_ms, total_ms;
	const struct https_result *https; /* NULL: it never came to that */
};

/* The result is borrowed. */
typedef void sts_fetch_fn(void *ctx, const struct sts_fetch_result *r);

struct sts_fetch;

/* Fetches the policy of domain, which is lower case, in A-labels. */
void sts_fetch_start(struct sts_fetch **x, const struct sts_discover_env *env,
	struct str domain, sts_fetch_fn *fn, void *ctx);
void sts_fetch_cancel(struct sts_fetch **x);

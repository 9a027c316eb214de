/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_service: the engine with all it needs: DNS, HTTPS, the cache. The role
 * policy runs one as long as it lives, moat explain one for a single question.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "cache/policy_cache.h"
#include "io/dns_lookup.h"
#include "io/https_get.h"
#include "io/loop.h"
#include "outbound/engine.h"
#include "outbound/policy_metrics.h"

/* Strings are borrowed until policy_service_open has returned. */
struct policy_service_options {
	struct dns_lookups_options dns;
	struct https_client_options https;
	struct sts_discover_env discover; /* its parts are filled in */
	int dane_ms;			  /* for one domain */
	struct policy_cache_options cache;
	const char *cache_path;
	struct engine_options engine; /* its parts are filled in */
};

struct policy_service;

/*
 * Opens what is opened by path: for a process that has not yet closed its
 * sandbox. Statuses as dns_lookups_open, https_client_new, policy_cache_open.
 */
enum status policy_service_open(struct loop *l,
	const struct policy_service_options *o, struct policy_service **out,
	struct err *e);

/* Starts threads and timers, in the sandbox. */
void policy_service_start(
	struct policy_service *s, const struct engine_hooks *hooks);

/* Writes what is left to write; clears *s; NULL is allowed. */
void policy_service_free(struct policy_service **s);

struct engine *policy_service_engine(struct policy_service *s);
struct policy_cache *policy_service_cache(struct policy_service *s);

/* Whether DNSSEC can be trusted; why (may be NULL) as dns_lookups_dnssec. */
enum dns_dnssec policy_service_dnssec(
	const struct policy_service *s, struct err *why);

/* Fills in all but what is known of mail servers and their requests. */
void policy_service_metrics(
	const struct policy_service *s, struct policy_metrics *out);

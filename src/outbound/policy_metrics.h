/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_metrics: the counters of the sending side as Prometheus text. The
 * names are described in docs/sending.md; a test compares them.
 */
#pragma once

#include "base/sbuf.h"
#include "cache/policy_cache.h"
#include "io/dns_lookup.h"
#include "outbound/engine.h"

/* What is shown; filled in anew for each reader. */
struct policy_metrics {
	struct engine_stats engine;
	struct policy_cache_stats cache;
	struct dns_lookups_counts dns;
	enum dns_dnssec dnssec;
	uint64_t connections; /* of mail servers, now */
	uint64_t requests;
	uint64_t hot;	    /* answered without asking the engine */
	uint64_t malformed; /* connections closed: no socketmap client */
	uint64_t timed_out; /* connections closed: too slow */
	uint64_t started_at;
	uint64_t trouble;  /* domains, now */
	uint64_t releases; /* domains whose held mail was asked for */
};

void policy_metrics_write(struct sbuf *b, const struct policy_metrics *m);

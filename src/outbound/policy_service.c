/* SPDX-License-Identifier: Apache-2.0 */
/* policy_service: made in one order, taken down in the other. */
#include "outbound/policy_service.h"

#include "base/clock.h"
#include "base/mem.h"
#include "io/public_suffix.h"
#include "outbound/engine_world.h"

#include "base/poison.h"

struct policy_service {
	struct loop *loop;
	struct engine_options engine_options;
	struct dns_lookups *dns;
	struct https_client *https;
	struct policy_cache *cache;
	struct public_suffix *suffixes;
	struct engine_net *net;
	struct engine *engine;
};

static struct engine_net *net_of(
	const struct policy_service *s, const struct policy_service_options *o)
{
	struct sts_discover_env sts = o->discover;
	struct dane_discover_env dane = {
		.loop = s->loop,
		.lookups = s->dns,
		.timeout_ms = o->dane_ms,
	};

	sts.loop = s->loop;
	sts.dns = s->dns;
	sts.https = s->https;
	return engine_net_new(&sts, &dane);
}

enum status policy_service_open(struct loop *l,
	const struct policy_service_options *o, struct policy_service **out,
	struct err *e)
{
	struct policy_service *s = mem_must(sizeof(*s));
	enum status st;

	s->loop = l;
	s->engine_options = o->engine;
	st = dns_lookups_open(l, &o->dns, &s->dns, e);
	if (st == ST_OK)
		st = https_client_new(l, &o->https, &s->https, e);
	if (st == ST_OK)
		st = policy_cache_open(o->cache_path, &o->cache, &s->cache, e);
	if (st == ST_OK) {
		s->suffixes = public_suffix_open();
		s->net = net_of(s, o);
		*out = s;
		s = NULL;
	}
	policy_service_free(&s);
	return st;
}

void policy_service_start(
	struct policy_service *s, const struct engine_hooks *hooks)
{
	struct engine_options *o = &s->engine_options;

	policy_cache_start(s->cache, &o->cache_fd);
	o->loop = s->loop;
	o->clock = clock_system();
	o->cache = s->cache;
	o->world = engine_world_of(s->net);
	o->suffixes = s->suffixes;
	o->hooks = *hooks;
	s->engine = engine_new(o);
	dns_lookups_check_start(s->dns, NULL, NULL);
}

void policy_service_free(struct policy_service **sp)
{
	struct policy_service *s = *sp;

	if (s == NULL)
		return;
	engine_free(&s->engine);
	engine_net_free(&s->net);
	policy_cache_close(&s->cache);
	public_suffix_close(&s->suffixes);
	https_client_free(&s->https);
	dns_lookups_close(&s->dns);
	mem_free(s);
	*sp = NULL;
}

struct engine *policy_service_engine(struct policy_service *s)
{
	return s->engine;
}

struct policy_cache *policy_service_cache(struct policy_service *s)
{
	return s->cache;
}

enum dns_dnssec policy_service_dnssec(
	const struct policy_service *s, struct err *why)
{
	return dns_lookups_dnssec(s->dns, why);
}

void policy_service_metrics(
	const struct policy_service *s, struct policy_metrics *out)
{
	engine_stats(s->engine, &out->engine);
	policy_cache_stats(s->cache, &out->cache);
	out->dns = dns_lookups_counts(s->dns);
	out->dnssec = policy_service_dnssec(s, NULL);
}

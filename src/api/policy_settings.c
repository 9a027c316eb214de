/* SPDX-License-Identifier: Apache-2.0 */
/* policy_settings: one function for each part. */
#include "api/policy_settings.h"

#include "api/settings.h"
#include "api/stub_settings.h"
#include "base/bug.h"
#include "outbound/policy_json.h"
#include "proto/ip_net.h"

#include "base/poison.h"

static int ms_of(const struct settings *set, const char *key)
{
	return (int)(settings_int(set, key) * 1000);
}

static struct ip_net *nets_of(
	const struct settings *set, struct arena *a, size_t *n)
{
	const struct str *list = settings_list(set, "policy.allow_networks", n);
	struct ip_net *out = arena_array(a, *n, sizeof(*out));

	BUG(out == NULL);
	for (size_t i = 0; i < *n; i++)
		BUG(ip_net_parse(list[i], &out[i]) != ST_OK);
	return out;
}

/* "moat/1.0 (MTA-STS; postmaster@example.com)" */
static const char *user_agent_of(const struct settings *set, struct arena *a)
{
	struct str contact = settings_str(set, "policy.contact");
	struct str text = arena_fmt(a, "moat/" MOAT_VERSION " (MTA-STS%s%.*s)",
		contact.n > 0 ? "; " : "", STR_ARG(contact));

	BUG(text.p == NULL);
	return text.p;
}

static enum dns_lookup_mode mode_of(const struct settings *set)
{
	struct str mode = settings_str(set, "policy.dnssec");

	if (str_eq(mode, STR("validate")))
		return DNS_LOOKUP_VALIDATE;
	return str_eq(mode, STR("trust")) ? DNS_LOOKUP_TRUST : DNS_LOOKUP_OFF;
}

static struct dns_lookups_options dns_of(
	const struct settings *set, struct arena *a)
{
	struct dns_lookups_options o = { .mode = mode_of(set) };

	o.servers = settings_list(set, "policy.resolver", &o.n_servers);
	o.stubs = stub_settings_read(set, "policy.stubs", a, &o.n_stubs);
	o.root_anchor = settings_str(set, "policy.root_anchor").p;
	o.check_name = settings_str(set, "policy.dnssec_check");
	o.bogus_name = settings_str(set, "policy.dnssec_bogus");
	return o;
}

static struct engine_options engine_of(const struct settings *set)
{
	struct engine_options o = ENGINE_DEFAULTS;

	o.answer_ms = ms_of(set, "policy.answer_time");
	o.grace_s = (int)settings_int(set, "policy.grace");
	o.refresh_s = (int)settings_int(set, "policy.refresh");
	o.unused_s = (int)settings_int(set, "policy.unused");
	o.max_negative = (size_t)settings_int(set, "policy.negative_answers");
	return o;
}

struct policy_service_options policy_settings_options(
	const struct settings *set, struct arena *a)
{
	struct policy_service_options o = {
		.dns = dns_of(set, a),
		.https = { .ca_file = settings_z(set, "policy.ca_file"),
			.user_agent = user_agent_of(set, a) },
		.discover = {
			.port = (uint16_t)settings_int(
				set, "policy.https_port"),
			.fetch_ms = ms_of(set, "policy.fetch_time"),
			.allow_private = settings_bool(
				set, "policy.allow_private"),
		},
		.dane_ms = ms_of(set, "policy.fetch_time"),
		.cache = POLICY_CACHE_DEFAULTS,
		.engine = engine_of(set),
	};

	o.discover.allowed = nets_of(set, a, &o.discover.n_allowed);
	o.cache.max_bytes = (uint64_t)settings_int(
		set, "policy.cache_max_size");
	o.cache.max_per_group = (size_t)settings_int(
		set, "policy.cache_per_domain");
	o.cache_path = settings_state_path(
		set, a, SETTINGS_POLICY_FOLDER "/policy.mdb")
			       .p;
	return o;
}

/* ---- profiles */

static bool option_of(
	const struct settings *set, struct str profile, const char *option)
{
	char key[SETTINGS_NAME_BYTES_MAX + 64];
	struct sbuf b = sbuf_fixed(key, sizeof(key));

	sbuf_fmt(&b, "profile %.*s.%s", STR_ARG(profile), option);
	sbuf_addc(&b, '\0');
	BUG(!sbuf_ok(&b));
	return settings_bool(set, key);
}

static struct engine_profile named(
	const struct settings *set, struct arena *a, struct str name)
{
	struct str key = arena_fmt(a, "profile %.*s.kind", STR_ARG(name));
	struct engine_profile p = { .name = name };

	BUG(sts_profile_kind_parse(settings_str(set, key.p), &p.profile.kind) !=
		ST_OK);
	p.profile.enforce_testing = option_of(set, name, "enforce_testing");
	p.profile.tlsrpt = p.profile.kind == STS_PROFILE_STS_TLSRPT ||
			   option_of(set, name, "tlsrpt");
	p.profile.visibility = option_of(set, name, "visibility");
	p.profile.no_dane = !option_of(set, name, "mta_dane");
	return p;
}

static struct engine_profile built_in(
	const struct settings *set, enum sts_profile_kind kind)
{
	bool dane = kind == STS_PROFILE_DANE_STS;

	return (struct engine_profile){
		.name = str_of(sts_profile_kind_name(kind)),
		.profile = { .kind = kind,
			.tlsrpt = kind == STS_PROFILE_STS_TLSRPT ||
				  (dane && settings_bool(set, "policy.tlsrpt")),
			.visibility = kind != STS_PROFILE_STS &&
				      settings_bool(set, "policy.visibility"),
			.no_dane = kind == STS_PROFILE_STS &&
				   !settings_bool(set, "policy.mta_dane") },
	};
}

struct engine_profile *policy_settings_profiles(
	const struct settings *set, struct arena *a, size_t *n)
{
	static const enum sts_profile_kind kinds[] = { STS_PROFILE_STS,
		STS_PROFILE_STS_TLSRPT, STS_PROFILE_DANE_STS };
	const size_t fixed = sizeof(kinds) / sizeof(*kinds);
	struct engine_profile *out;
	size_t more = 0;

	while (settings_name(set, "profile", more).p != NULL)
		more++;
	out = arena_array(a, fixed + more, sizeof(*out));
	BUG(out == NULL);
	for (size_t i = 0; i < fixed; i++)
		out[i] = built_in(set, kinds[i]);
	for (size_t i = 0; i < more; i++)
		out[fixed + i] = named(
			set, a, settings_name(set, "profile", i));
	*n = fixed + more;
	return out;
}

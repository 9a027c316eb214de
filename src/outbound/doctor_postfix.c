/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_postfix: a function for each test, in the order of a look-up. */
#include "outbound/doctor_postfix.h"

#include "base/num.h"
#include "io/addr.h"
#include "io/resolv_conf.h"

#include "base/poison.h"

#define ADDR_BYTES_MAX 64

/* ---- what postconf printed */

struct str doctor_postfix_value(
	const struct doctor_postfix *p, const char *name)
{
	struct str rest = p->main, line, key;

	while (rest.p != NULL) {
		line = str_cut(&rest, '\n');
		key = str_cut(&line, '=');
		if (line.p != NULL && str_eq(str_trim(key), str_of(name)))
			return str_trim(line);
	}
	return (struct str){};
}

bool doctor_postfix_is(
	const struct doctor_postfix *p, const char *name, const char *want)
{
	return str_eq(doctor_postfix_value(p, name), str_of(want));
}

/* "3.10.5", "3.12-20260821", "3.7.11" into numbers. */
static void read_version(struct str s, int version[3])
{
	uint32_t n;

	s = str_cut(&s, '-');
	for (size_t i = 0; i < 3; i++) {
		struct str part = s.p == NULL ? STR("0") : str_cut(&s, '.');

		version[i] = num_u32(part, 0, 999, &n) == ST_OK ? (int)n : -1;
	}
}

/* The next word of a line; empty at its end. */
static struct str word(struct str *rest)
{
	size_t n = 0;
	struct str w;

	*rest = str_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	w = str_upto(*rest, n);
	*rest = str_from(*rest, n);
	return w;
}

/* The line of a service of master.cf; name and type are taken off. */
static struct str service(struct str master, struct str name)
{
	while (master.p != NULL) {
		struct str line = str_cut(&master, '\n');

		if (str_eq(word(&line), name) &&
			str_eq(word(&line), STR("unix")))
			return line;
	}
	return (struct str){};
}

/* Columns: private, unprivileged, chroot. "-" is "y" at compatibility_level 0.
 */
static bool is_chrooted(const struct doctor_postfix *p)
{
	struct str line = service(p->master, STR("smtp")), is;

	(void)word(&line);
	(void)word(&line);
	is = word(&line);
	return str_eq(is, STR("y")) ||
	       (str_eq(is, STR("-")) &&
		       doctor_postfix_is(p, "compatibility_level", "0"));
}

struct doctor_postfix doctor_postfix_of(struct str main, struct str master)
{
	struct doctor_postfix p = { .main = main, .master = master };

	read_version(doctor_postfix_value(&p, "mail_version"), p.version);
	p.chrooted = is_chrooted(&p);
	return p;
}

bool doctor_postfix_is_from(
	const struct doctor_postfix *p, int major, int minor, int patch)
{
	const int want[3] = { major, minor, patch };

	for (size_t i = 0; i < 3; i++)
		if (p->version[i] != want[i])
			return p->version[i] > want[i];
	return true;
}

/* ---- the profile and the version */

static void judge_version(struct doctor *d, const struct doctor_postfix *p)
{
	const char *text = doctor_quote(
		d, doctor_postfix_value(p, "mail_version"));

	if (p->version[0] < 0 || p->version[1] < 0)
		doctor_add(d, DOCTOR_UNTESTED, "postfix.version",
			"Is it Postfix whose postconf was run?",
			"postconf tells no version: \"%s\"", text);
	else if (!doctor_postfix_is_from(p, 3, 4, 0))
		doctor_add(d, DOCTOR_ERROR, "postfix.version",
			"Update Postfix to 3.4 or later.",
			"Postfix %s does not know servername: it defers mail "
			"to every domain with a policy",
			text);
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.version", "", "Postfix %s",
			text);
}

static bool has_attributes(const struct sts_profile *s)
{
	return s->kind == STS_PROFILE_STS_TLSRPT ||
	       (s->kind == STS_PROFILE_DANE_STS && s->tlsrpt);
}

static void judge_profile(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_map *map)
{
	const struct engine_profile *profile = map->profile;
	const char *name;

	if (profile == NULL) {
		doctor_add(d, DOCTOR_ERROR, "postfix.profile",
			"Ask for sts, sts-tlsrpt or dane-sts, or write a "
			"[profile NAME] into moat.conf.",
			"moat has no profile of the name at the end of %s",
			doctor_quote(d, map->text));
		return;
	}
	name = doctor_quote(d, profile->name);
	if (has_attributes(&profile->profile) &&
		!doctor_postfix_is_from(p, 3, 10, 0))
		doctor_add(d, DOCTOR_ERROR, "postfix.profile",
			"Before Postfix 3.10 ask for sts, or for dane-sts with "
			"policy.tlsrpt = no.",
			"the profile %s has TLSRPT attributes, which this "
			"Postfix does not know: it defers the mail",
			name);
	else if (!has_attributes(&profile->profile) &&
		 doctor_postfix_is(p, "smtp_tlsrpt_enable", "yes"))
		doctor_add(d, DOCTOR_WARNING, "postfix.profile",
			"Ask for sts-tlsrpt, or set policy.tlsrpt = yes for "
			"dane-sts.",
			"smtp_tlsrpt_enable is yes, but the profile %s does "
			"not tell Postfix what to report of MTA-STS",
			name);
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.profile", "",
			"the profile %s is one for this version", name);
}

/* ---- what Postfix needs to do as it is told */

static bool is_strong(struct str level)
{
	return str_eq(level, STR("encrypt")) || str_eq(level, STR("verify")) ||
	       str_eq(level, STR("secure")) ||
	       str_eq(level, STR("dane-only")) ||
	       str_eq(level, STR("fingerprint"));
}

static bool is_dane(struct str level)
{
	return str_eq(level, STR("dane")) || str_eq(level, STR("dane-only"));
}

/* Empty, what Postfix 2.2 had counts (global_tls_level). */
static struct str level_of(const struct doctor_postfix *p)
{
	struct str level = doctor_postfix_value(p, "smtp_tls_security_level");

	if (level.n > 0)
		return level;
	if (doctor_postfix_is(p, "smtp_enforce_tls", "yes"))
		return doctor_postfix_is(p, "smtp_tls_enforce_peername", "no")
			       ? STR("encrypt")
			       : STR("verify");
	return doctor_postfix_is(p, "smtp_use_tls", "yes") ? STR("may") : level;
}

static void judge_level(struct doctor *d, const struct doctor_postfix *p,
	const struct sts_profile *s)
{
	struct str level = level_of(p);
	const char *text = doctor_quote(d, level);
	bool dane_sts = s->kind == STS_PROFILE_DANE_STS;

	if (level.n == 0 || str_eq(level, STR("none")))
		doctor_add(d, DOCTOR_ERROR, "postfix.level",
			"Set smtp_tls_security_level = dane, or = may with the "
			"profile dane-sts.",
			"smtp_tls_security_level is \"%s\": mail to domains "
			"without a policy goes in clear",
			text);
	else if (s->visibility && !str_eq(level, STR("may")))
		doctor_add(d, DOCTOR_WARNING, "postfix.level",
			"Set visibility = no, or smtp_tls_security_level = "
			"may.",
			"visibility makes level may of level %s for domains in "
			"testing",
			text);
	else if (!dane_sts && !is_dane(level))
		doctor_add(d, DOCTOR_WARNING, "postfix.level",
			"Set smtp_tls_security_level = dane, or ask for the "
			"profile dane-sts.",
			"smtp_tls_security_level is %s, and the profile keeps "
			"silent where there is DANE: nobody does it",
			text);
	else if (dane_sts && is_strong(level))
		doctor_add(d, DOCTOR_WARNING, "postfix.level",
			"Take level may or dane, or a profile sts.",
			"the level %s is stronger than dane, which moat's "
			"answers set in its place",
			text);
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.level", "",
			"smtp_tls_security_level is %s", text);
}

static bool uses_dane(
	const struct doctor_postfix *p, const struct sts_profile *s)
{
	return s->kind == STS_PROFILE_DANE_STS || is_dane(level_of(p));
}

/* smtp_host_lookup is a list of dns and native. */
static bool looks_up_dns(const struct doctor_postfix *p)
{
	struct str list = doctor_postfix_value(p, "smtp_host_lookup"), w;

	if (list.n == 0)
		return true;
	while ((w = doctor_map_next(&list)).n > 0)
		if (str_eq(w, STR("dns")))
			return true;
	return false;
}

/* Each of the three switches DANE off (dane_init of smtp_tls_policy.c). */
static void judge_dnssec(struct doctor *d, const struct doctor_postfix *p)
{
	struct str is = doctor_postfix_value(p, "smtp_dns_support_level");

	if (doctor_postfix_is(p, "ignore_mx_lookup_error", "yes"))
		doctor_add(d, DOCTOR_ERROR, "postfix.dnssec",
			"Set ignore_mx_lookup_error = no in main.cf.",
			"ignore_mx_lookup_error is yes: Postfix does no DANE, "
			"and mail to domains that have it waits or goes "
			"unprotected");
	else if (!looks_up_dns(p))
		doctor_add(d, DOCTOR_ERROR, "postfix.dnssec",
			"Set smtp_host_lookup = dns in main.cf.",
			"smtp_host_lookup has no dns: Postfix does no DANE, "
			"and mail to domains that have it waits or goes "
			"unprotected");
	else if (str_eq(is, STR("dnssec")))
		doctor_add(d, DOCTOR_GOOD, "postfix.dnssec", "",
			"smtp_dns_support_level is dnssec");
	else
		doctor_add(d, DOCTOR_ERROR, "postfix.dnssec",
			"Set smtp_dns_support_level = dnssec in main.cf.",
			"smtp_dns_support_level is \"%s\": Postfix cannot do "
			"DANE, and mail to domains that have it waits or goes "
			"unprotected",
			doctor_quote(d, is));
}

/* tls_append_default_CA does nothing without one of the two. */
static void judge_trust(struct doctor *d, const struct doctor_postfix *p)
{
	struct str file = doctor_postfix_value(p, "smtp_tls_CAfile");
	struct str path = doctor_postfix_value(p, "smtp_tls_CApath");

	if (file.n > 0)
		doctor_add(d, DOCTOR_GOOD, "postfix.trust", "",
			"smtp_tls_CAfile is %s", doctor_quote(d, file));
	else if (path.n > 0)
		doctor_add(d, DOCTOR_GOOD, "postfix.trust", "",
			"smtp_tls_CApath is %s", doctor_quote(d, path));
	else
		doctor_add(d, DOCTOR_ERROR, "postfix.trust",
			"Set smtp_tls_CAfile = "
			"/etc/ssl/certs/ca-certificates.crt in main.cf.",
			"neither smtp_tls_CAfile nor smtp_tls_CApath is set: "
			"mail to every domain in mode enforce waits");
}

static void judge_patterns(struct doctor *d, const struct doctor_postfix *p,
	const struct sts_profile *s)
{
	struct str is = doctor_postfix_value(
		p, "smtp_tls_enforce_sts_mx_patterns");

	if (!doctor_postfix_is_from(p, 3, 10, 5) || !has_attributes(s))
		return;
	if (str_eq(is, STR("no")))
		doctor_add(d, DOCTOR_WARNING, "postfix.patterns",
			"Take smtp_tls_enforce_sts_mx_patterns out of main.cf.",
			"smtp_tls_enforce_sts_mx_patterns is no: certificates "
			"are compared with the policy, MX hosts are not");
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.patterns", "",
			"MX hosts are compared with the patterns of the "
			"policy");
}

/* Numbers, or words such as routine. */
static void judge_log(struct doctor *d, const struct doctor_postfix *p,
	const struct sts_profile *s)
{
	struct str is = doctor_postfix_value(p, "smtp_tls_loglevel");
	const char *text = doctor_quote(d, is);

	if (s->visibility && str_eq(is, STR("1")))
		doctor_add(d, DOCTOR_WARNING, "postfix.log",
			"Set smtp_tls_loglevel = routine,untrusted in main.cf.",
			"smtp_tls_loglevel is 1: what is reported about "
			"domains in testing is always good, whatever happens");
	else if (is.n == 0 || str_eq(is, STR("0")) || str_eq(is, STR("none")))
		doctor_add(d, DOCTOR_WARNING, "postfix.log",
			"Set smtp_tls_loglevel = 1 in main.cf.",
			"smtp_tls_loglevel is %s: the log does not tell "
			"Verified from Untrusted",
			is.n == 0 ? "empty" : text);
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.log", "",
			"smtp_tls_loglevel is %s", text);
}

/* An -o of master.cf counts more than main.cf. */
static void judge_master(
	struct doctor *d, const struct doctor_postfix *p, struct str name)
{
	static const struct str params[] = { STR("smtp_tls_policy_maps="),
		STR("smtp_tls_security_level="), STR("smtp_tls_CAfile="),
		STR("smtp_tls_CApath="), STR("smtp_dns_support_level=") };
	struct str line = service(p->master, name), w;

	while ((w = word(&line)).n > 0)
		for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++)
			if (str_starts(w, params[i]))
				doctor_add(d, DOCTOR_WARNING, "postfix.master",
					"Look whether it is meant so: what is "
					"said of main.cf does not hold there.",
					"master.cf has its own for %s: %s",
					doctor_quote(d, name),
					doctor_quote(d, w));
}

void doctor_postfix_judge(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_moat *moat, struct doctor_map *map)
{
	const struct sts_profile *s;

	*map = (struct doctor_map){};
	judge_version(d, p);
	doctor_map_judge(d, p, moat, map);
	judge_trust(d, p);
	judge_master(d, p, STR("smtp"));
	judge_master(d, p, STR("relay"));
	if (map->text.n == 0)
		return;
	judge_profile(d, p, map);
	if (map->profile == NULL)
		return;
	s = &map->profile->profile;
	judge_level(d, p, s);
	if (uses_dane(p, s))
		judge_dnssec(d, p);
	judge_patterns(d, p, s);
	judge_log(d, p, s);
}

/* ---- its resolver */

void doctor_resolv_conf(struct doctor *d, struct str conf, const char *path)
{
	struct addr servers[RESOLV_CONF_SERVERS_MAX];
	size_t n = resolv_conf_parse(conf, servers);

	for (size_t i = 0; i < n; i++) {
		struct sbuf b = sbuf_arena(d->arena, ADDR_BYTES_MAX);

		if (addr_is_loopback(&servers[i]))
			continue;
		addr_write_ip(&b, &servers[i]);
		doctor_add(d, DOCTOR_ERROR, "postfix.resolver",
			"Run a validating resolver, as Unbound, on this "
			"machine, and name 127.0.0.1 alone in resolv.conf.",
			"%s leads Postfix to %.*s: whoever is on the way can "
			"forge its AD bit, and so DANE",
			path, STR_ARG(sbuf_str(&b)));
		return;
	}
	if (n == 0)
		doctor_add(d, DOCTOR_GOOD, "postfix.resolver", "",
			"%s names no server: Postfix asks this machine", path);
	else
		doctor_add(d, DOCTOR_GOOD, "postfix.resolver", "",
			"%s leads Postfix to this machine alone", path);
}

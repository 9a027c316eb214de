/* SPDX-License-Identifier: Apache-2.0 */
/* settings_check: a table of what can be wrong, and the two lists by hand. */
#include <string.h>

#include "api/settings_check.h"

#include "api/settings.h"
#include "base/arena.h"
#include "base/day_hours.h"
#include "io/addr.h"
#include "io/imap_client.h"
#include "proto/host_name.h"
#include "proto/mail_address.h"
#include "store/alert.h"

#include "base/poison.h"

#define CONTACT_BYTES_MAX 254u

static bool is_empty(const struct settings *s, const char *key)
{
	return settings_str(s, key).n == 0;
}

static bool is_empty_list(const struct settings *s, const char *key)
{
	size_t n;

	(void)settings_list(s, key, &n);
	return n == 0;
}

static bool list_has(const struct settings *s, const char *key, struct str word)
{
	size_t n;
	const struct str *list = settings_list(s, key, &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], word))
			return true;
	return false;
}

static bool runs(const struct settings *s, const char *role)
{
	return list_has(s, "server.roles", str_of(role));
}

static bool source_is(const struct settings *s, const char *source)
{
	return runs(s, "acme") &&
	       str_eq(settings_str(s, "cert.source"), str_of(source));
}

static bool no_role(const struct settings *s)
{
	return is_empty_list(s, "server.roles");
}

static bool no_zone(const struct settings *s)
{
	return is_empty(s, "dns.zone") && (runs(s, "dns") || runs(s, "edge"));
}

static bool no_name_server(const struct settings *s)
{
	return !is_empty(s, "dns.zone") && runs(s, "dns") &&
	       is_empty_list(s, "dns.name_servers");
}

static bool no_address(const struct settings *s)
{
	return is_empty_list(s, "edge.addresses") && runs(s, "edge");
}

static bool no_terms(const struct settings *s)
{
	return source_is(s, "acme") && !settings_bool(s, "acme.agree_terms");
}

static bool no_contact(const struct settings *s)
{
	return source_is(s, "acme") && is_empty_list(s, "acme.contact");
}

static bool no_files(const struct settings *s)
{
	return source_is(s, "files") && is_empty(s, "cert.files");
}

static bool no_exec(const struct settings *s)
{
	return source_is(s, "exec") && is_empty(s, "cert.exec");
}

static bool no_report_host(const struct settings *s)
{
	return runs(s, "edge") && is_empty(s, "report.host");
}

static bool no_listener(const struct settings *s)
{
	return runs(s, "policy") && is_empty_list(s, "policy.listen") &&
	       is_empty(s, "policy.socket");
}

static bool nobody_connects(const struct settings *s)
{
	return runs(s, "policy") && !is_empty(s, "policy.socket") &&
	       is_empty(s, "policy.socket_owner") &&
	       is_empty(s, "policy.socket_group") &&
	       !str_eq(settings_str(s, "policy.socket_mode"), STR("0666"));
}

static bool is_open(const struct settings *s, const char *role, const char *key)
{
	struct addr a;
	size_t n;
	const struct str *list = settings_list(s, key, &n);

	for (size_t i = 0; i < n; i++)
		if (addr_parse(list[i], 0, &a) == ST_OK &&
			!addr_is_loopback(&a))
			return runs(s, role);
	return false;
}

static bool is_policy_open(const struct settings *s)
{
	return is_open(s, "policy", "policy.listen");
}

static bool is_metrics_open(const struct settings *s)
{
	return is_open(s, "policy", "policy.metrics_listen");
}

static bool is_lmtp_open(const struct settings *s)
{
	return is_open(s, "lmtp", "lmtp.listen");
}

/* It stands in a comment of the User-Agent (RFC 9110 section 5.6.5). */
static bool is_no_contact(const struct settings *s)
{
	struct str contact = settings_str(s, "policy.contact");

	for (size_t i = 0; i < contact.n; i++)
		if (contact.p[i] <= ' ' || contact.p[i] > '~' ||
			strchr("()\\\"", contact.p[i]) != NULL)
			return true;
	return contact.n > CONTACT_BYTES_MAX;
}

static bool is_half_a_mail(const struct settings *s)
{
	bool smtp = !is_empty(s, "alert.smtp");
	bool from = !is_empty(s, "alert.mail_from");

	return runs(s, "notify") && (!smtp || !from) &&
	       (smtp || from || !is_empty_list(s, "alert.mail_to"));
}

static bool nobody_reads(const struct settings *s)
{
	return (runs(s, "imap") || runs(s, "lmtp")) && !runs(s, "digest");
}

static bool is_no_mail_address(const struct settings *s)
{
	struct str from = settings_str(s, "alert.mail_from");
	size_t n;
	const struct str *to = settings_list(s, "alert.mail_to", &n);
	bool good = n <= STORE_RECIPIENTS_MAX &&
		    (from.n == 0 || mail_address_is_plain(from));

	for (size_t i = 0; i < n; i++)
		good = good && mail_address_is_plain(to[i]);
	return runs(s, "notify") && !good;
}

static bool is_no_mail_server(const struct settings *s)
{
	struct str url = settings_str(s, "alert.smtp");

	return runs(s, "notify") && url.n > 0 &&
	       !str_starts(url, STR("smtp://")) &&
	       !str_starts(url, STR("smtps://"));
}

static bool is_no_webhook(const struct settings *s)
{
	struct str url = settings_str(s, "alert.webhook");

	return runs(s, "notify") && url.n > 0 &&
	       !str_starts(url, STR("https://"));
}

static bool are_no_hours(const struct settings *s)
{
	struct day_hours hours;

	return runs(s, "notify") &&
	       day_hours_parse(settings_str(s, "alert.quiet"), &hours) != ST_OK;
}

static bool is_half_a_login(const struct settings *s)
{
	return runs(s, "notify") && !is_empty(s, "alert.smtp_user") &&
	       is_empty(s, "alert.smtp_password_file");
}

static bool is_half_a_webhook(const struct settings *s)
{
	return runs(s, "notify") && !is_empty(s, "alert.webhook") &&
	       is_empty(s, "alert.webhook_key_file");
}

static const struct {
	bool (*is_so)(const struct settings *s);
	enum settings_level level;
	const char *text;
} rows[] = {
	{ no_role, SETTINGS_ERROR,
		"server.roles is empty, so nothing would run: name roles, or "
		"take the line away for the usual ones" },
	{ no_zone, SETTINGS_ERROR,
		"dns.zone is empty, but the roles dns and edge answer for the "
		"names in it: set it to the zone that you delegate to this "
		"server (moat setup prints the lines)" },
	{ no_name_server, SETTINGS_WARNING,
		"dns.name_servers is empty, so the zone would have no NS "
		"records and resolvers may refuse it: name its public name "
		"servers" },
	{ no_address, SETTINGS_ERROR,
		"edge.addresses is empty, so the names that customers point "
		"to us would have no address and no sender could fetch a "
		"policy: set it to the public addresses of this server" },
	{ no_terms, SETTINGS_WARNING,
		"acme.agree_terms is no, so a certificate authority that has "
		"terms gives no account and no certificates: read its terms, "
		"then say yes" },
	{ no_contact, SETTINGS_WARNING,
		"acme.contact is empty, so the certificate authority can tell "
		"nobody when something is wrong: name a mail address" },
	{ no_files, SETTINGS_ERROR,
		"cert.files is empty, but cert.source is files: set it to the "
		"folder with the certificates" },
	{ no_exec, SETTINGS_ERROR,
		"cert.exec is empty, but cert.source is exec: set it to the "
		"command that writes certificates" },
	{ no_report_host, SETTINGS_WARNING,
		"report.host is empty, so domains cannot ask for TLS reports: "
		"set it to a host name for them" },
	{ nobody_reads, SETTINGS_WARNING,
		"the roles imap and lmtp take report mail, but the role "
		"digest, which reads it, does not run: server.roles must name "
		"all roles, not the additional ones alone" },
	{ is_lmtp_open, SETTINGS_WARNING,
		"lmtp.listen has an address that other machines can reach, "
		"and there is no authentication: use 127.0.0.1, or let a "
		"firewall see to it" },
	{ is_half_a_mail, SETTINGS_ERROR,
		"alert.smtp and alert.mail_from are both needed for mail, but "
		"one of them is not set, so none could be sent: set it" },
	{ is_no_mail_address, SETTINGS_ERROR,
		"alert.mail_from and alert.mail_to have something that is no "
		"mail address, or more than 32: write each as "
		"ops@example.net, with blanks between" },
	{ is_no_mail_server, SETTINGS_ERROR,
		"alert.smtp is neither smtp://HOST:PORT nor "
		"smtps://HOST:PORT: write it so" },
	{ is_no_webhook, SETTINGS_ERROR,
		"alert.webhook is no https URL: what it is sent must not be "
		"read on the way" },
	{ are_no_hours, SETTINGS_ERROR,
		"alert.quiet is no stretch of a day: write it in UTC, as "
		"22:00-06:00" },
	{ is_half_a_login, SETTINGS_ERROR,
		"alert.smtp_user is set, but alert.smtp_password_file is not: "
		"name the file with the password" },
	{ is_half_a_webhook, SETTINGS_ERROR,
		"alert.webhook is set, but alert.webhook_key_file is not, so "
		"its receiver could not tell our calls from others: name the "
		"file with the key" },
	{ no_listener, SETTINGS_ERROR,
		"policy.listen and policy.socket are both empty, so no mail "
		"server could ask: set one of them" },
	{ nobody_connects, SETTINGS_WARNING,
		"policy.socket has no owner and no group of its own, so only "
		"moat itself may connect: set policy.socket_group to the "
		"group of the mail server, usually postfix" },
	{ is_policy_open, SETTINGS_WARNING,
		"policy.listen has an address that other machines can reach, "
		"and there is no authentication: use 127.0.0.1, or let a "
		"firewall see to it" },
	{ is_no_contact, SETTINGS_ERROR,
		"policy.contact is no mail address or URL: write one, "
		"without blanks, brackets and quotes" },
	{ is_metrics_open, SETTINGS_WARNING,
		"policy.metrics_listen has an address that other machines can "
		"reach, and there is no authentication: use 127.0.0.1, or let "
		"a firewall see to it" },
};

const char *settings_level_name(enum settings_level level)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[level];
}

struct check {
	const struct settings *s;
	struct arena *a;
	settings_say *say;
	void *ctx;
	size_t errors;
};

static void tell(struct check *c, enum settings_level level, const char *text)
{
	c->errors += level == SETTINGS_ERROR;
	c->say(c->ctx, level, text);
}

static void check_roles(struct check *c, const char *const *roles)
{
	struct sbuf known = sbuf_arena(c->a, 1000);
	size_t n;
	const struct str *list = settings_list(c->s, "server.roles", &n);

	for (const char *const *r = roles; *r != NULL; r++)
		sbuf_fmt(&known, " %s", *r);
	for (size_t i = 0; i < n; i++) {
		const char *const *r = roles;

		while (*r != NULL && !str_eq(list[i], str_of(*r)))
			r++;
		if (*r == NULL)
			tell(c, SETTINGS_ERROR,
				arena_fmt(c->a,
					"server.roles: there is no role "
					"\"%.*s\", so moatd cannot run it: "
					"write one of%.*s",
					STR_ARG(str_upto(list[i], 60)),
					STR_ARG(sbuf_str(&known)))
					.p);
	}
}

/* A host of ours: the zone may answer for it, or its owner's DNS does. */
static void check_host(struct check *c, const char *key)
{
	struct str host = settings_str(c->s, key);
	struct str zone = settings_str(c->s, "dns.zone");

	if (host.n == 0 || zone.n == 0)
		return;
	if (host_name_eq(host, zone))
		tell(c, SETTINGS_ERROR,
			arena_fmt(c->a,
				"%s is the zone dns.zone itself, which has no "
				"addresses: use a name below it or outside",
				key)
				.p);
	else if (list_has(c->s, "dns.name_servers", host) &&
		 host_name_under(host, zone))
		tell(c, SETTINGS_ERROR,
			arena_fmt(c->a,
				"%s is one of dns.name_servers, and the zone "
				"cannot give it the addresses of both: use "
				"another name",
				key)
				.p);
	else if (!host_name_under(host, zone))
		tell(c, SETTINGS_NOTE,
			arena_fmt(c->a,
				"%s lies outside dns.zone, so moat does not "
				"answer for it: publish its records where its "
				"domain is (moat setup prints them)",
				key)
				.p);
}

/* A profile cannot take the name of a built-in one. */
static void check_profiles(struct check *c)
{
	static const char *const taken[] = { "sts", "sts-tlsrpt", "dane-sts" };
	struct str name;

	for (size_t i = 0; (name = settings_name(c->s, "profile", i)).p != NULL;
		i++)
		for (size_t k = 0; k < sizeof(taken) / sizeof(*taken); k++)
			if (str_eq(name, str_of(taken[k])))
				tell(c, SETTINGS_ERROR,
					arena_fmt(c->a,
						"[profile %s] has the name of "
						"a built-in profile: choose "
						"another one, and ask for it "
						"in the MTA's configuration",
						taken[k])
						.p);
}

/* A value of [mailbox NAME] as settings_str gives it. */
static struct str of_mailbox(struct check *c, struct str name, const char *key)
{
	return settings_str(
		c->s, arena_fmt(c->a, "mailbox %.*s.%s", STR_ARG(name), key).p);
}

static void check_mailbox(struct check *c, struct str name)
{
	static const struct {
		const char *key, *what;
	} needed[] = {
		{ "url", "the IMAP server, as imaps://imap.example.com" },
		{ "user", "whom to log in as" },
		{ "password_file", "the file with the password" },
		{ "folder", "the folder with the reports" },
	};
	struct str url = of_mailbox(c, name, "url");

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (of_mailbox(c, name, needed[i].key).n == 0)
			tell(c, SETTINGS_ERROR,
				arena_fmt(c->a,
					"[mailbox %.*s]: %s is empty: set it "
					"to %s",
					STR_ARG(name), needed[i].key,
					needed[i].what)
					.p);
	if (url.n > 0 && !imap_client_is_url(url.p))
		tell(c, SETTINGS_ERROR,
			arena_fmt(c->a,
				"[mailbox %.*s]: url is neither "
				"imaps://HOST:PORT nor imap://HOST:PORT: the "
				"user and the folder have settings of their "
				"own",
				STR_ARG(name))
				.p);
	if (of_mailbox(c, name, "processed").n == 0 ||
		str_eq_nocase(of_mailbox(c, name, "processed"),
			of_mailbox(c, name, "folder")))
		tell(c, SETTINGS_ERROR,
			arena_fmt(c->a,
				"[mailbox %.*s]: processed is empty or the "
				"folder itself: name another one, mails are "
				"moved there",
				STR_ARG(name))
				.p);
}

static void check_mailboxes(struct check *c)
{
	struct str name;
	size_t n = 0;

	while ((name = settings_name(c->s, "mailbox", n)).p != NULL) {
		check_mailbox(c, name);
		n++;
	}
	if (n > 0 && !runs(c->s, "imap"))
		tell(c, SETTINGS_WARNING,
			"there is a section [mailbox NAME], but the role imap "
			"is not in server.roles, so nobody looks into it: add "
			"imap there");
	else if (n == 0 && runs(c->s, "imap"))
		tell(c, SETTINGS_WARNING,
			"the role imap runs, but there is no section "
			"[mailbox NAME], so it does nothing: add one, or take "
			"imap out of server.roles");
}

size_t settings_check(const struct settings *s, const char *const *roles,
	settings_say *say, void *ctx)
{
	struct check c = { s, arena_must(0), say, ctx, 0 };

	check_roles(&c, roles);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].is_so(s))
			tell(&c, rows[i].level, rows[i].text);
	check_host(&c, "report.host");
	check_host(&c, "console.host");
	check_profiles(&c);
	check_mailboxes(&c);
	arena_free(&c.a);
	return c.errors;
}

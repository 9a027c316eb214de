/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_mta: asks postconf, looks at the socket as smtp(8) would. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/settings.h"
#include "cli/doctor_tests.h"
#include "io/program.h"
#include "outbound/doctor_postfix.h"

#include "base/poison.h"

#define POSTCONF_BYTES_MAX (4u << 20)
#define POSTCONF_LIMIT_MS 30000
#define SENDMAIL_CF "/etc/mail/sendmail.cf"
#define SENDMAIL_CF_BYTES_MAX (4u << 20)
#define RESOLV_CONF_BYTES_MAX 65536u
#define GROUPS_MAX 64
#define PATH_BYTES_MAX 1024

/* ---- may the user postfix get at the socket? */

struct user {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int n;
};

static bool find_user(const char *name, struct user *u)
{
	const struct passwd *pw = getpwnam(name);

	u->n = GROUPS_MAX;
	if (pw == NULL)
		return false;
	u->uid = pw->pw_uid;
	return getgrouplist(name, pw->pw_gid, u->groups, &u->n) >= 0;
}

/* bits: as of others, 1 to pass through, 2 to write. */
static bool may(const struct user *u, const struct stat *s, mode_t bits)
{
	if (u->uid == 0)
		return true;
	if (s->st_uid == u->uid)
		return (s->st_mode >> 6 & bits) == bits;
	for (int i = 0; i < u->n; i++)
		if (s->st_gid == u->groups[i])
			return (s->st_mode >> 3 & bits) == bits;
	return (s->st_mode & bits) == bits;
}

/* The first part of the path that is missing or closed to the user; "": none.
 */
static void find_barrier(
	const struct user *u, const char *path, char part[PATH_BYTES_MAX])
{
	size_t n = strlen(path);
	struct stat s;

	for (size_t i = 1; i <= n && n < PATH_BYTES_MAX; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (stat(part, &s) < 0 || !may(u, &s, i == n ? 2 : 1))
			return;
	}
	part[0] = '\0';
}

static void test_reach(struct examination *x, const struct doctor_postfix *p,
	const struct doctor_map *map)
{
	struct str owner = arena_str(
		x->cli->arena, doctor_postfix_value(p, "mail_owner"));
	char part[PATH_BYTES_MAX] = "";
	struct user u;

	if (map->socket.n == 0)
		return;
	if (!find_user(owner.p, &u)) {
		doctor_add(&x->doctor, DOCTOR_UNTESTED, "postfix.socket",
			"Is Postfix installed whole?", "there is no user %s",
			doctor_quote(&x->doctor, owner));
		return;
	}
	find_barrier(&u, map->socket.p, part);
	if (part[0] != '\0')
		doctor_add(&x->doctor, DOCTOR_ERROR, "postfix.socket",
			"Put policy.socket below the queue directory, and set "
			"policy.socket_group to a group of that user.",
			"the user %s cannot get past %s on the way to %s%s",
			doctor_quote(&x->doctor, owner), part,
			doctor_quote(&x->doctor, map->socket),
			p->chrooted ? " (smtp runs in a chroot)" : "");
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "postfix.socket", "",
			"the user %s can get at %s%s",
			doctor_quote(&x->doctor, owner),
			doctor_quote(&x->doctor, map->socket),
			p->chrooted ? " in its chroot" : "");
}

/* ---- its files */

/* A chroot has a resolv.conf and a CApath of its own. */
static const char *seen_by_smtp(
	struct examination *x, const struct doctor_postfix *p, const char *path)
{
	struct str queue = doctor_postfix_value(p, "queue_directory");

	return p->chrooted ? arena_fmt(x->cli->arena, "%.*s%s", STR_ARG(queue),
				     path)
				     .p
			   : path;
}

static void test_resolv_conf(
	struct examination *x, const struct doctor_postfix *p)
{
	const char *path = seen_by_smtp(x, p, "/etc/resolv.conf");
	struct str text = {};
	struct err e = {};

	if (cli_read(x->cli, path, RESOLV_CONF_BYTES_MAX, &text, &e) == ST_OK)
		doctor_resolv_conf(&x->doctor, text, path);
	else
		doctor_add(&x->doctor, DOCTOR_WARNING, "postfix.resolver",
			"Restart Postfix, which copies it into its chroot.",
			"%s: Postfix asks 127.0.0.1", e.text);
}

static void test_trusted_files(
	struct examination *x, const struct doctor_postfix *p)
{
	struct str file = arena_str(
		x->cli->arena, doctor_postfix_value(p, "smtp_tls_CAfile"));
	struct str dir = arena_str(
		x->cli->arena, doctor_postfix_value(p, "smtp_tls_CApath"));
	const char *at = NULL;

	/* The file is read before the chroot, the folder within. */
	if (file.n > 0)
		at = file.p;
	else if (dir.n > 0)
		at = seen_by_smtp(x, p, dir.p);
	if (at != NULL && access(at, F_OK) < 0)
		doctor_add(&x->doctor, DOCTOR_ERROR, "postfix.trust",
			"Name a file that is there in smtp_tls_CAfile.",
			"%s is not there: mail to every domain in mode enforce "
			"waits",
			at);
}

/* ---- Postfix */

static enum status postconf(struct examination *x, const char *option,
	struct str *out, struct err *e)
{
	const char *config = settings_str(x->set, "policy.postfix_config").p;
	const char *folder = settings_str(x->set, "policy.postfix_commands").p;
	struct str program = arena_fmt(x->cli->arena, "%s/postconf", folder);
	const char *argv[5] = { program.p };
	size_t n = 1;

	if (config[0] != '\0') {
		argv[n++] = "-c";
		argv[n++] = config;
	}
	argv[n++] = option;
	argv[n] = NULL;
	return program_output(argv, POSTCONF_LIMIT_MS, x->cli->arena,
		POSTCONF_BYTES_MAX, out, e);
}

static bool wants_dane(
	const struct doctor_postfix *p, const struct doctor_map *map)
{
	struct str level = doctor_postfix_value(p, "smtp_tls_security_level");

	return str_starts(level, STR("dane")) ||
	       (map->profile != NULL &&
		       map->profile->profile.kind == STS_PROFILE_DANE_STS);
}

/* ST_NOTFOUND: there is no Postfix. */
static enum status test_postfix(struct examination *x)
{
	struct doctor_moat moat = { .profiles = x->profiles,
		.n_profiles = x->n_profiles,
		.socket = settings_str(x->set, "policy.socket") };
	struct str main = {}, master = {};
	struct doctor_postfix p;
	struct doctor_map map;
	struct err e = {};
	enum status st = postconf(x, DOCTOR_POSTCONF_MAIN, &main, &e);

	if (st == ST_OK)
		st = postconf(x, DOCTOR_POSTCONF_MASTER, &master, &e);
	if (st == ST_NOTFOUND)
		return st;
	if (st != ST_OK) {
		doctor_add(&x->doctor, DOCTOR_UNTESTED, "postfix.version",
			"Run moat doctor as root.", "%s", e.text);
		return ST_OK;
	}
	moat.listen = settings_list(x->set, "policy.listen", &moat.n_listen);
	p = doctor_postfix_of(main, master);
	doctor_postfix_judge(&x->doctor, &p, &moat, &map);
	test_trusted_files(x, &p);
	test_reach(x, &p, &map);
	if (wants_dane(&p, &map))
		test_resolv_conf(x, &p);
	return ST_OK;
}

/* ---- Sendmail */

/* FEATURE(`sts') makes "Ksts socket -d5 -T<TMPF> inet:5461@127.0.0.1". */
static struct str sts_map(struct str cf)
{
	while (cf.p != NULL) {
		struct str line = str_cut(&cf, '\n');

		if (str_starts(line, STR("Ksts socket")))
			return line;
	}
	return (struct str){};
}

/* Done where "O DANE" says true or always; without the line it is false. */
static bool sendmail_does_dane(struct str cf)
{
	bool does = false;

	while (cf.p != NULL) {
		struct str line = str_cut(&cf, '\n');

		if (str_starts(line, STR("O DANE=")))
			does = str_starts(line, STR("O DANE=t")) ||
			       str_starts(line, STR("O DANE=a"));
	}
	return does;
}

static bool listens_at(struct examination *x, struct str map)
{
	size_t n;
	const struct str *listen = settings_list(x->set, "policy.listen", &n);
	struct str rest = map, port;

	(void)str_cut(&rest, ':');
	port = str_cut(&rest, '@');
	for (size_t i = 0; port.n > 0 && i < n; i++)
		if (str_ends(listen[i],
			    arena_fmt(x->cli->arena, ":%.*s", STR_ARG(port))))
			return true;
	return false;
}

static enum status test_sendmail(struct examination *x)
{
	struct str cf = {}, map;
	struct err e = {};

	if (access(SENDMAIL_CF, F_OK) < 0 ||
		cli_read(x->cli, SENDMAIL_CF, SENDMAIL_CF_BYTES_MAX, &cf, &e) !=
			ST_OK)
		return ST_NOTFOUND;
	map = sts_map(cf);
	if (map.n == 0)
		doctor_add(&x->doctor, DOCTOR_ERROR, "sendmail.map",
			"Put FEATURE(`sts') into sendmail.mc; Sendmail 8.17 "
			"and later have it.",
			"%s has no socket map sts", SENDMAIL_CF);
	else if (!listens_at(x, map))
		doctor_add(&x->doctor, DOCTOR_ERROR, "sendmail.map",
			"Name that port in policy.listen too.",
			"Sendmail asks where moat does not listen: %s",
			doctor_quote(&x->doctor, map));
	else
		doctor_add(&x->doctor, DOCTOR_GOOD, "sendmail.map", "",
			"Sendmail asks moat: %s",
			doctor_quote(&x->doctor, map));
	if (settings_bool(x->set, "policy.mta_dane") && !sendmail_does_dane(cf))
		doctor_add(&x->doctor, DOCTOR_WARNING, "sendmail.dane",
			"Set policy.mta_dane = no, or confDANE in sendmail.mc.",
			"%s does not switch DANE on, and moat keeps silent "
			"where there is DANE: nobody does it",
			SENDMAIL_CF);
	return ST_OK;
}

void doctor_test_mta(struct examination *x)
{
	enum status postfix = test_postfix(x), sendmail = test_sendmail(x);

	if (postfix == ST_NOTFOUND && sendmail == ST_NOTFOUND)
		doctor_add(&x->doctor, DOCTOR_UNTESTED, "mta",
			"Run it on the mail server, or name Postfix's folder "
			"in policy.postfix_commands.",
			"there is neither Postfix nor Sendmail here");
}

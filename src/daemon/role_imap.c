/* SPDX-License-Identifier: Apache-2.0 */
/* role_imap: report mail out of mailboxes; the substance is intake/mailbox. */
#include <sys/stat.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/report_settings.h"
#include "daemon/roles.h"
#include "intake/mailbox.h"
#include "io/addr.h"
#include "io/crypto.h"

#include "base/poison.h"

#define LOOK_MS 1000
#define TROUBLE_MS 10000 /* after the database failed */
#define COMMAND_MS 60000

/* What changes with a file; all 0: it is not there. */
struct stamp {
	ino_t inode;
	off_t bytes;
	struct timespec changed;
};

struct box {
	struct mailbox_options o;
	const char *password_file;
	struct stamp stamp; /* of that, as it was read */
	struct crypto_secret *password;
	struct mailbox *mailbox;
};

struct state {
	struct arena *arena; /* of paths and boxes */
	struct mailbox_parts parts;
	struct box *boxes;
	size_t n_boxes;
};

static void imap_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_boxes; i++) {
		mailbox_free(&s->boxes[i].mailbox);
		crypto_secret_free(&s->boxes[i].password);
	}
	spool_close(&s->parts.spool);
	store_close(&s->parts.store);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

static bool stop_asked(void *ctx)
{
	return role_stopping(ctx);
}

/* The key of a setting in the section [mailbox NAME]. */
static const char *key_of(struct state *s, struct str name, const char *key)
{
	struct str text = arena_fmt(
		s->arena, "mailbox %.*s.%s", STR_ARG(name), key);

	BUG(text.p == NULL);
	return text.p;
}

static struct imap_client_options server_of(
	struct state *s, struct role_env *env, struct str name)
{
	const struct settings *set = env->settings;
	const char *ca_file = settings_z(set, key_of(s, name, "ca_file"));
	bool private = settings_bool(set, key_of(s, name, "allow_private"));
	int visit_ms = (int)settings_int(set, key_of(s, name, "timeout")) *
		       1000;

	role_allow_read(env, ca_file);
	return (struct imap_client_options){
		.url = settings_str(set, key_of(s, name, "url")).p,
		.ca_file = ca_file,
		.user = settings_str(set, key_of(s, name, "user")).p,
		.timeout_ms = visit_ms < COMMAND_MS ? visit_ms : COMMAND_MS,
		.session_ms = visit_ms,
		.allow_addr = private ? NULL : addr_is_public,
		.stop = stop_asked,
		.stop_ctx = env,
	};
}

static struct stamp stamp_of(const char *path)
{
	struct stat s;

	if (stat(path, &s) != 0)
		return (struct stamp){};
	return (struct stamp){ s.st_ino, s.st_size, s.st_ctim };
}

/* Empty, it is being written. */
static bool is_changed(const struct stamp *was, const struct stamp *is)
{
	return is->bytes > 0 &&
	       (is->inode != was->inode || is->bytes != was->bytes ||
		       is->changed.tv_sec != was->changed.tv_sec ||
		       is->changed.tv_nsec != was->changed.tv_nsec);
}

/*
 * The sandbox has the files closed, but not hidden: a role that begins anew
 * reads what is in them now.
 */
static bool has_new_password(const struct state *s)
{
	for (size_t i = 0; i < s->n_boxes; i++) {
		const struct box *b = &s->boxes[i];
		struct stamp is = stamp_of(b->password_file);

		if (!is_changed(&b->stamp, &is))
			continue;
		LOG(LOG_INFO, "imap.new_password", KV_STR("name", b->o.name));
		return true;
	}
	return false;
}

static enum status open_box(
	struct state *s, struct role_env *env, struct str name, struct err *e)
{
	const struct settings *set = env->settings;
	struct box *b = &s->boxes[s->n_boxes++];
	enum status st;

	b->o = (struct mailbox_options){
		.name = name,
		.server = server_of(s, env, name),
		.folder = settings_str(set, key_of(s, name, "folder")),
		.processed = settings_str(set, key_of(s, name, "processed")),
		.remove = settings_bool(set, key_of(s, name, "delete")),
		.recipient = { settings_str(set, "report.host"),
			settings_str(set, key_of(s, name, "tenant")) },
		.max_bytes = (uint64_t)settings_int(set, "report.max_size"),
		.every_ms = settings_int(set, key_of(s, name, "every")) * 1000,
	};
	b->password_file =
		settings_str(set, key_of(s, name, "password_file")).p;
	b->stamp = stamp_of(b->password_file);
	st = crypto_secret_open_text(b->password_file, &b->password, e);
	if (st != ST_OK)
		err_prefix(e, "[mailbox %.*s]", STR_ARG(name));
	b->o.server.password = b->password;
	return st;
}

static enum status open_boxes(
	struct state *s, struct role_env *env, struct err *e)
{
	enum status st = ST_OK;
	struct str name;
	size_t n = 0;

	while (settings_name(env->settings, "mailbox", n).p != NULL)
		n++;
	s->boxes = arena_array(s->arena, n + 1, sizeof(*s->boxes));
	BUG(s->boxes == NULL);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		name = settings_name(env->settings, "mailbox", i);
		st = open_box(s, env, name, e);
	}
	return st;
}

static enum status imap_open(struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct spool_limits limits = report_spool_limits(set);
	struct state *s = mem_must(sizeof(*s));
	struct str spool;
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	s->parts.clock = clock_system();
	spool = settings_state_path(set, s->arena, SETTINGS_SPOOL);
	/* The database is open by then; nothing else there is its business,
	 * least of all keys. */
	role_read_below(env, spool.p);
	role_write_below(env, spool.p);
	st = open_boxes(s, env, e);
	if (st == ST_OK)
		st = spool_open(spool.p, &limits, &s->parts.spool, e);
	if (st == ST_OK)
		st = store_open(
			settings_state_path(set, s->arena, SETTINGS_DATABASE).p,
			&s->parts.store, e);
	for (size_t i = 0; i < s->n_boxes; i++)
		s->boxes[i].mailbox = mailbox_new(&s->parts, &s->boxes[i].o);
	return st;
}

static enum status imap_start(struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	int wait_ms = 0;

	(void)e;
	while (!role_wait(env, wait_ms) && !has_new_password(s)) {
		struct err why = {};
		enum status st = ST_OK;

		for (size_t i = 0; st == ST_OK && i < s->n_boxes; i++)
			if (!role_stopping(env))
				st = mailbox_step(s->boxes[i].mailbox, &why);
		wait_ms = LOOK_MS;
		if (st != ST_OK) {
			LOG(LOG_ERROR, "imap.held_up",
				KV_Z("reason", why.text));
			wait_ms = TROUBLE_MS;
		}
	}
	return ST_OK;
}

const struct role role_imap = {
	.name = "imap",
	.sandbox = SANDBOX_NET_OUT | SANDBOX_READ | SANDBOX_WRITE,
	.open = imap_open,
	.start = imap_start,
	.close = imap_close,
};

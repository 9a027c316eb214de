/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_mailbox: the mailboxes of the settings, and trials of them, which the
 * role imap makes.
 */
#include "api/api.h"
#include "api/settings.h"
#include "store/mailbox.h"

#include "base/poison.h"

#define KEY_CAP 80

static struct str setting_of(
	const struct api_call *c, struct str name, const char *key)
{
	char room[KEY_CAP];
	struct sbuf b = sbuf_fixed(room, sizeof(room) - 1);

	sbuf_fmt(&b, "mailbox %.*s.%s", STR_ARG(name), key);
	room[b.n] = '\0';
	return settings_str(c->env->settings, room);
}

/* The name as the settings have it; p == NULL: there is none of that name. */
static struct str find(const struct api_call *c, struct str name)
{
	struct str one;

	for (size_t i = 0;
		(one = settings_name(c->env->settings, "mailbox", i)).p != NULL;
		i++)
		if (str_eq(one, name))
			break;
	return one;
}

static enum status get(struct api_call *c, struct str name,
	struct store_mailbox *m, struct store_mailbox_trial *t, struct err *e)
{
	struct store *s = c->env->store;
	enum status st = store_mailbox_get(s, c->a, name, m, e);

	if (st == ST_NOTFOUND)
		*m = (struct store_mailbox){ .name = name };
	else if (st != ST_OK)
		return st;
	st = store_mailbox_trial_get(s, c->a, name, t, e);
	if (st == ST_NOTFOUND)
		*t = (struct store_mailbox_trial){ .name = name };
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status put(struct api_call *c, struct str name, struct err *e)
{
	struct json_writer *w = &c->w;
	struct store_mailbox_trial t;
	struct store_mailbox m;
	enum status st = get(c, name, &m, &t, e);

	if (st != ST_OK)
		return st;
	json_open_object(w, NULL);
	json_put_str(w, "name", name);
	json_put_str(w, "url", setting_of(c, name, "url"));
	json_put_str(w, "user", setting_of(c, name, "user"));
	json_put_str(w, "folder", setting_of(c, name, "folder"));
	json_put_int(w, "tried", m.tried);
	json_put_int(w, "pulled", m.pulled);
	json_put_int(w, "failures", m.failures);
	json_put_int(w, "taken", m.taken);
	json_put_int(w, "left", m.left);
	json_put_str(w, "error", m.error);
	json_open_object(w, "test");
	json_put_int(w, "asked", t.asked);
	json_put_int(w, "done", t.done);
	json_put_str(w, "error", t.error);
	json_close_object(w);
	json_close_object(w);
	return ST_OK;
}

enum status api_put_mailboxes(struct api_call *c, struct err *e)
{
	enum status st = ST_OK;
	struct str name;

	json_open_array(&c->w, "mailboxes");
	for (size_t i = 0; st == ST_OK; i++) {
		name = settings_name(c->env->settings, "mailbox", i);
		if (name.p == NULL)
			break;
		st = put(c, name, e);
	}
	json_close_array(&c->w);
	return st;
}

void api_mailbox_list(struct api_call *c)
{
	struct err e = {};
	enum status st;

	json_open_object(&c->w, NULL);
	st = api_put_mailboxes(c, &e);
	json_close_object(&c->w);
	if (st != ST_OK)
		api_fail(c, st, &e);
}

static void show(struct api_call *c, struct str name)
{
	struct err e = {};
	enum status st = put(c, name, &e);

	if (st != ST_OK)
		api_fail(c, st, &e);
}

static void say_none(struct api_call *c)
{
	api_problem(c, 404, "no such mailbox", NULL, NULL,
		"moat report mailbox shows those that moat.conf names");
}

void api_mailbox_show(struct api_call *c)
{
	struct str name = find(c, c->params[0]);

	if (name.p == NULL)
		say_none(c);
	else
		show(c, name);
}

/* Times are whole seconds: each asking is later than the one before. */
static enum status ask(struct api_call *c, struct str name, struct err *e)
{
	struct store *s = c->env->store;
	struct store_mailbox_trial t = {};
	enum status st = store_begin(s, e);

	if (st == ST_OK)
		st = store_mailbox_trial_get(s, c->a, name, &t, e);
	if (st == ST_NOTFOUND) {
		t = (struct store_mailbox_trial){ .name = name };
		st = ST_OK;
	}
	t.asked = c->now > t.asked ? c->now : t.asked + 1;
	if (st == ST_OK)
		st = store_mailbox_trial_put(s, &t, e);
	if (st == ST_OK)
		return store_commit(s, e);
	store_rollback(s);
	return st;
}

void api_mailbox_test(struct api_call *c)
{
	struct str name = find(c, c->params[0]);
	struct err e = {};
	enum status st;

	if (name.p == NULL) {
		say_none(c);
		return;
	}
	st = ask(c, name, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	c->code = 202;
	show(c, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_postfix: is Postfix set up so that what moat says is heard, understood
 * and can be done? Pure: from what postconf printed to lines of the doctor.
 * Nothing is ever changed.
 */
#pragma once

#include "outbound/doctor.h"
#include "outbound/engine.h"

/* What is asked of postconf: main.cf with defaults, expanded, and master.cf. */
#define DOCTOR_POSTCONF_MAIN "-x"
#define DOCTOR_POSTCONF_MASTER "-M"

/* The facts about Postfix; everything is borrowed from the texts. */
struct doctor_postfix {
	struct str main;   /* what "postconf -x" printed */
	struct str master; /* what "postconf -M" printed */
	int version[3];	   /* 3.10.5; -1: not known */
	bool chrooted;	   /* the smtp client of master.cf */
};

/* The moat that is to be found in there. */
struct doctor_moat {
	const struct engine_profile *profiles;
	size_t n_profiles;
	const struct str *listen; /* "127.0.0.1:8461" */
	size_t n_listen;
	struct str socket; /* its path; empty: none */
};

/* Which of our answers Postfix asks for, and how. */
struct doctor_map {
	struct str text;   /* "socketmap:unix:moat/policy.sock:sts" */
	struct str socket; /* the path as smtp(8) sees it; empty: TCP */
	const struct engine_profile *profile; /* NULL: moat has none so named */
};

struct doctor_postfix doctor_postfix_of(struct str main, struct str master);

/* The value of a parameter; p == NULL: this Postfix does not have it. */
struct str doctor_postfix_value(
	const struct doctor_postfix *p, const char *name);

/*
 * All that postconf can tell. *map is what was found of ours; its text is empty
 * if nothing was.
 */
void doctor_postfix_judge(struct doctor *d, const struct doctor_postfix *p,
	const struct doctor_moat *moat, struct doctor_map *map);

/*
 * Are the name servers that Postfix asks on this machine, so that their AD bit
 * can be believed? conf: the text of resolv.conf, path: where it was read.
 */
void doctor_resolv_conf(struct doctor *d, struct str conf, const char *path);

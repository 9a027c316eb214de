/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_postfix: is Postfix set up so that what moat says is heard, understood
 * and can be done? Pure: from what postconf printed to lines of the doctor.
 * Nothing is ever changed.
 */
#pragma once

#include "outbound/doctor.h"
#include "outbound/doctor_map.h"

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

struct doctor_postfix doctor_postfix_of(struct str main, struct str master);

/* The value of a parameter; p == NULL: this Postfix does not have it. */
struct str doctor_postfix_value(
	const struct doctor_postfix *p, const char *name);
bool doctor_postfix_is(
	const struct doctor_postfix *p, const char *name, const char *want);

/* Is the version at least this? Unknown: no. */
bool doctor_postfix_is_from(
	const struct doctor_postfix *p, int major, int minor, int patch);

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

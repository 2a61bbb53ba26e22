/* Filters and bases of the plugin ldap: what an address may say in them, which is nothing but itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/lookup/ldap_filter.h"

static const char *const plain[] = { "u+x@sub.example.com", "u@sub.example.com", "@sub.example.com", "@.sub.example.com", "@.example.com", "@.com", "@." };
static const struct ldap_keys plain_keys = { plain, 7 };

static void expands_to(const char *template, const struct ldap_keys *keys, const char *wanted)
{
	char *text = ldap_filter_expand(template, keys);

	assert_null(ldap_filter_fault(template));
	assert_string_equal(text, wanted);
	free(text);
}

static void keys_become_an_or(void **state)
{
	const char *const two[] = { "a@b", "@b" };
	const struct ldap_keys keys = { two, 2 }, one = { two, 1 };

	(void)state;
	expands_to("(mail=%m)", &keys, "(|(mail=a@b)(mail=@b))");
	expands_to("(mail=%m)", &one, "(mail=a@b)");
	expands_to("(&(objectClass=x)(mail=%m))", &keys, "(&(objectClass=x)(|(mail=a@b)(mail=@b)))");
	expands_to("(|(mail=%m)(alias=smtp:%m))", &keys, "(|(|(mail=a@b)(mail=@b))(|(alias=smtp:a@b)(alias=smtp:@b)))");
	expands_to("(&(!(off=TRUE))(mail=%m))", &keys, "(&(!(off=TRUE))(|(mail=a@b)(mail=@b)))");
	expands_to("(&(mail=%a)(uid=%l)(dc=%d)(x=100%%m))", &plain_keys, "(&(mail=u+x@sub.example.com)(uid=u+x)(dc=sub.example.com)(x=100%m))");
}

static void an_address_is_only_itself(void **state)
{
	const char *const evil[] = { "*()\\@x", "\x01\xff\xc3\xa4|&!=<>~,\"' \n@x" };
	const struct ldap_keys first = { evil, 1 }, second = { evil + 1, 1 };

	(void)state;
	expands_to("(mail=%m)", &first, "(mail=\\2a\\28\\29\\5c@x)");
	expands_to("(&(uid=%l)(mail=%a))", &first, "(&(uid=\\2a\\28\\29\\5c)(mail=\\2a\\28\\29\\5c@x))");
	expands_to("(mail=%m)", &second, "(mail=\\01\\ff\\c3\\a4\\7c\\26\\21\\3d\\3c\\3e\\7e\\2c\\22\\27\\20\\0a@x)");
}

static void based_on(const char *template, const char *const *keys, size_t count, const char *wanted)
{
	const struct ldap_keys k = { keys, count };
	char *text = ldap_base_expand(template, &k);

	if (wanted)
		assert_string_equal(text, wanted);
	else
		assert_null(text);
	free(text);
}

static void a_domain_stays_within_its_name(void **state)
{
	const char *const evil[] = { "a@x,dc=com+y=z\"", "@x,dc=com+y=z\"", "@.x,dc=com+y=z\"" };
	const char *const literal[] = { "a@[1.2.3.4]", "@[1.2.3.4]", "@." }, *const null[] = { "", "@", "@." };

	(void)state;
	based_on("ou=%d,dc=mail", plain, 7, "ou=sub.example.com,dc=mail");
	based_on("dc=mail", null, 3, "dc=mail");
	based_on("ou=%d,dc=mail", null, 3, NULL);
	based_on("ou=%d,dc=50%%", evil, 3, "ou=x\\2cdc\\3dcom\\2by\\3dz\\22,dc=50%");
	based_on("ou=%d", literal, 3, "ou=\\5b1.2.3.4\\5d");
	assert_string_equal(ldap_base_fixed("ou=%d,dc=mail"), "dc=mail");
	assert_string_equal(ldap_base_fixed("ou=a%%b,dc=mail"), "ou=a%%b,dc=mail");
	assert_string_equal(ldap_base_fixed("%d"), "");
}

static void faults_are_named(void **state)
{
	static const char *const bad[] = { "", "mail=%m", "(mail=%m", "(mail=%m))", "(mail=%m)(x=y)", "(mail=%z)", "(mail=%", "(objectClass=*)", "(mail=%m%m)", "(%m=mail)", "(mail=100%%m)" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(ldap_filter_fault(bad[i]));
	assert_null(ldap_filter_fault("(&(objectClass=amavisAccount)(mail=%m))"));
	assert_non_null(ldap_base_fault("ou=%m"));
	assert_null(ldap_base_fault("ou=%d%%"));
}

static void values_are_traced_to_their_keys(void **state)
{
	struct ldap_asked asked[LDAP_ASKED_MAX];

	(void)state;
	assert_int_equal(ldap_filter_asked("(&(objectClass=x)(|(mail=%m)(proxyAddresses=smtp:%m;)))", asked), 2);
	assert_memory_equal(asked[0].attribute, "mail=", 5);
	assert_int_equal(asked[0].attribute_size, 4);
	assert_int_equal(ldap_key_of_value(&asked[0], &plain_keys, "U@SUB.example.com", 17), 1);
	assert_int_equal(ldap_key_of_value(&asked[0], &plain_keys, "@.", 2), 6);
	assert_int_equal(ldap_key_of_value(&asked[0], &plain_keys, "other", 5), 7);
	assert_int_equal(ldap_key_of_value(&asked[1], &plain_keys, "SMTP:@.com;", 11), 5);
	assert_int_equal(ldap_key_of_value(&asked[1], &plain_keys, "@.com", 5), 7);
	assert_int_equal(ldap_key_of_value(&asked[1], &plain_keys, "smtp:", 5), 7);
}

static void the_class_is_found(void **state)
{
	char *class = ldap_filter_class("(&(objectclass=amavisAccount)(mail=%m))");

	(void)state;
	assert_string_equal(class, "amavisAccount");
	free(class);
	assert_null(ldap_filter_class("(&(objectClass=*)(mail=%m))"));
	assert_null(ldap_filter_class("(mail=%m)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_become_an_or),
		cmocka_unit_test(an_address_is_only_itself),
		cmocka_unit_test(a_domain_stays_within_its_name),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(values_are_traced_to_their_keys),
		cmocka_unit_test(the_class_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

"""The function libraries of Kubernetes: one row for what each function promises."""

import pytest

from corral.api import cel
from corral.api.cel.libraries.authorization import Authorizer, Check, Decision

ENVIRONMENT = cel.Environment({"authorizer": cel.AUTHORIZER, "self": cel.DYN})


def value(expression, **values):
    return ENVIRONMENT.compile(expression).evaluate(values)


@pytest.mark.parametrize(
    "expression",
    [
        # lists
        "[1, 2, 3].sum() == 6 && [1.5, 2.0].sum() == 3.5 && [duration('1m'), duration('1s')].sum() == duration('61s')",
        "['a', 'b'].isSorted() && ![2, 1].isSorted() && [].isSorted()",
        "[1, 3, 2].max() == 3 && ['b', 'a'].min() == 'a'",
        "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && ['a'].indexOf('b') == -1",
        # sets
        "sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects([1], [1, 2])",
        "!sets.intersects([1], [2]) && !sets.contains([1], [2]) && sets.contains([], [])",
        # regex
        "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('z') == ''",
        "'1, 2, 3'.findAll('[0-9]+') == ['1', '2', '3'] && '1, 2, 3'.findAll('[0-9]+', 2).size() == 2",
        "'foobar'.matches('o+b') && matches('x', '^x$') && !'x\\n'.matches('^x$')",
        # strings
        "'abc'.charAt(1) == 'b' && 'abc'.charAt(3) == ''",
        "'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('ello', 2) == 7 && 'hello'.lastIndexOf('l') == 3",
        "'hello mellow'.lastIndexOf('ello', 6) == 1 && 'a'.lastIndexOf('') == 1",
        "'TÉst'.lowerAscii() == 'tÉst' && 'aé'.upperAscii() == 'Aé'",
        "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b']",
        "'a,b'.split(',', 0) == [] && 'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
        "'  a\\t'.trim() == 'a' && ['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b'",
        "strings.quote('a\"\\n') == '\"a\\\\\"\\\\n\"'",
        "'%s is %d, %.2f%%'.format([dyn('a'), 2, 1.5]) == 'a is 2, 1.50%'",
        "'%x %X %o %b %e'.format([dyn(255), 'ab', 8, 5, 1500.0]) == 'ff 6162 10 101 1.500000e+03'",
        "'%s'.format([[dyn(1), 'a', null, {'k': 1.5}]]) == '[1, a, null, {k: 1.5}]'",
        # URLs
        "isURL('https://example.com/a') && isURL('/a') && !isURL('a b') && !isURL('')",
        "url('https://user@example.com:80/a?x=1').getHost() == 'example.com:80'",
        "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getPort() == '80'",
        "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'",
        "url('/a?k=a&k=b%20c').getQuery()['k'] == ['a', 'b c'] && url('HTTP://a/').getScheme() == 'http'",
        # addresses
        "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0.01') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')",
        "ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && ip('0.0.0.0').isUnspecified()",
        "ip('224.0.0.5').isLinkLocalMulticast() && ip('fe80::1').isLinkLocalUnicast() && ip('8.8.8.8').isGlobalUnicast()",
        "ip.isCanonical('::1') && !ip.isCanonical('0::1') && string(ip('0::1')) == '::1' && ip('::1') == ip('0::1')",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsIP(ip('10.1.2.3'))",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
        "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
        "cidr('::/0').prefixLength() == 0 && string(cidr('10.1.2.3/8')) == '10.1.2.3/8' && !isCIDR('10.0.0.0/33')",
        # quantities
        "quantity('1Gi').isGreaterThan(quantity('500M')) && quantity('1500m').compareTo(quantity('1.5')) == 0",
        "quantity('1500m').add(quantity('500m')).asInteger() == 2 && quantity('3').sub(1) == quantity('2')",
        "quantity('-1').sign() == -1 && !quantity('1m').isInteger() && quantity('1.5').asApproximateFloat() == 1.5",
        "isQuantity('1Ki') && !isQuantity('1.2.3') && quantity('1').isLessThan(quantity('2'))",
        # versions
        "semver('1.2.3').isLessThan(semver('1.2.4-alpha')) && semver('1.0.0-alpha').isLessThan(semver('1.0.0'))",
        "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta')) && semver('1.0.0+a') == semver('1.0.0+b')",
        "semver('v01.2', true).compareTo(semver('1.2.0')) == 0 && isSemver('1.2.3') && !isSemver('v1.2.3')",
        "!isSemver('1.02.3') && !isSemver('1.2.3-01') && isSemver('1.2.3-0a+001')",
        "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
        # formats
        "!format.dns1123Label().validate('my-name').hasValue() && format.dns1123Label().validate('A').value().size() == 1",
        "format.named('uuid').hasValue() && !format.named('other').hasValue()",
        "!format.dns1035LabelPrefix().validate('my-').hasValue() && format.dns1035Label().validate('my-').hasValue()",
        "format.byte().validate('*').value() == ['invalid base64'] && format.date().validate('2021-02-30').hasValue()",
        "!format.datetime().validate('2021-01-01T00:00:00Z').hasValue() && !format.uri().validate('http://a/').hasValue()",
        # images
        "image('nginx').registry() == 'docker.io' && image('nginx').repository() == 'library/nginx'",
        "image('a.io:5000/b/c:v1').tag() == 'v1' && image('a.io:5000/b/c:v1').registry() == 'a.io:5000' && !isImage('A')",
        # times
        "timestamp('2020-02-29T12:30:00.5+02:00').getHours() == 10 && timestamp('2020-02-29T00:00:00Z').getDayOfYear() == 59",
        "timestamp('2020-02-29T23:00:00Z').getDate('+02:00') == 1 && timestamp('2020-01-05T00:00:00Z').getDayOfWeek() == 0",
        "timestamp('2020-01-01T00:00:00Z') + duration('1h30m') == timestamp('2020-01-01T01:30:00Z')",
        "string(duration('1h30m0.5s')) == '5400.5s' && duration('90m').getHours() == 1 && duration('-1.5s') < duration('0')",
        "string(timestamp('2020-01-01T00:00:00.120Z')) == '2020-01-01T00:00:00.12Z' && int(timestamp(5)) == 5",
        # conversions
        "int('-7') == -7 && int(2.9) == 2 && uint('7') == 7u && double('1e3') == 1000.0 && bool('true')",
        "string(1.0) + string(1e21) + string(1.5e-7) + string(true) + string(b'a') == '11e+211.5e-07truea'",
    ],
)
def test_functions(expression):
    assert value(expression) is True


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("[1].filter(x, x > 1).max()", "max called on empty list"),
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'a'.matches('(' + 'b')", "error parsing regexp: missing closing ): `(b`"),
        ("url('a b')", 'URL parse error during conversion from string: parse "a b": invalid URI for request'),
        ("quantity('x')", "quantities must match the regular expression"),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("semver('1')", "No Major.Minor.Patch elements found"),
        ("uint(-1)", "unsigned integer overflow"),
        ("int(1e30)", "integer overflow"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp overflow"),
        ("'%d'.format(['a'])", "error during formatting: decimal clause can only be used on integers, was given string"),
        ("'%s %s'.format(['a'])", "error during formatting: index 1 out of range"),
    ],
)
def test_failures(expression, fault):
    with pytest.raises(cel.EvaluationError) as error:
        value(expression)
    assert fault in str(error.value)


def test_the_authorizer_is_asked_what_was_put_together():
    asked = []

    def ask(check):
        asked.append(check)
        return Decision(allowed=check.verb == "get", reason="because")

    authorizer = Authorizer(ask)
    pods = "authorizer.group('apps').resource('deployments').subresource('scale').namespace('ns').name('web')"
    assert value(f"{pods}.labelSelector('a=b').check('get').allowed()", authorizer=authorizer) is True
    assert value("authorizer.path('/healthz').check('post').reason()", authorizer=authorizer) == "because"
    path = "authorizer.serviceAccount('ns', 'sa').path('/x').check('get').allowed()"
    assert value(path, authorizer=authorizer) is True
    assert asked == [
        Check(None, "get", "", "apps", "deployments", "scale", "ns", "web", "", "a=b"),
        Check(None, "post", "/healthz"),
        Check(("ns", "sa"), "get", "/x"),
    ]


def test_an_expression_may_ask_twice():
    def ask(_check):
        return Decision(allowed=True)

    once = "authorizer.path('/x').check('get').allowed()"
    assert value(" && ".join([once] * 2), authorizer=Authorizer(ask)) is True
    with pytest.raises(cel.CostError):
        value(" && ".join([once] * 3), authorizer=Authorizer(ask))

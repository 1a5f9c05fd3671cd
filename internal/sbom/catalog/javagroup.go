package catalog

import (
	"strconv"
	"strings"
)

// javaGuess is what an archive without a Maven record of its own is, by its
// manifest and its file name. A name without a version is no package.
func javaGuess(jar javaJar, file javaCoordinates) javaCoordinates {
	m := jar.manifest
	if m["implementation-title"] == "Java Runtime Environment" || strings.HasPrefix(jar.classes, "jdk/internal/") {
		return javaCoordinates{} // the JDK's own, which no Maven repository has
	}
	c := file
	symbolic, _, _ := strings.Cut(m["bundle-symbolicname"], ";")
	symbolic = strings.TrimSpace(symbolic)
	if c.version == "" {
		c.version = javaManifestVersion(m)
		if t := m["implementation-title"]; mavenWord(t) && !strings.Contains(t, ".") {
			c.artifactID = t
		}
	}
	if !mavenWord(c.version) || !mavenWord(c.artifactID) || !javaDigit(c.version) {
		return javaCoordinates{}
	}
	c.group = javaGroup(c.artifactID, symbolic, jar)
	for _, m := range javaMoves {
		if m.artifactID.fits(c.artifactID) && javaBefore(c.version, m.before) {
			c.group = m.group
			break
		}
	}
	return c
}

// javaManifestVersion is the version that a manifest names; empty: none.
func javaManifestVersion(m map[string]string) string {
	for _, key := range []string{"implementation-version", "bundle-version", "specification-version"} {
		if v := strings.TrimSpace(m[key]); mavenWord(v) && javaDigit(v) {
			return v
		}
	}
	return ""
}

// javaGroup is the group of an archive: a known one by its name, symbolic name,
// module or class folder, else what the manifest hints at. It may be empty.
func javaGroup(artifactID, symbolic string, jar javaJar) string {
	m := jar.manifest
	for _, k := range javaGroups {
		if k.artifactID.fits(artifactID) {
			return k.group
		}
	}
	module := strings.TrimSpace(m["automatic-module-name"])
	for _, name := range []string{symbolic, module, strings.ReplaceAll(jar.classes, "/", ".")} {
		if group := javaKnownPackage(name); group != "" {
			return group
		}
	}
	// org.eclipse.jetty.util of jetty-util, org.apache.commons.commons-text of commons-text
	if group, ok := strings.CutSuffix(symbolic, "."+artifactID); ok && mavenWord(group) {
		return group
	}
	if id := strings.TrimSpace(m["implementation-vendor-id"]); strings.Contains(id, ".") && mavenWord(id) {
		return id
	}
	for _, name := range []string{symbolic, module} {
		if i := strings.LastIndexByte(name, '.'); i > 0 && mavenWord(name) {
			return name[:i]
		}
	}
	// org.eclipse.sisu.inject is published by the group org.eclipse.sisu
	if i := strings.LastIndexByte(artifactID, '.'); i > 0 && strings.Count(artifactID, ".") >= 2 {
		return artifactID[:i]
	}
	return ""
}

// javaKnownPackage is the group that publishes a package of Java: the symbolic
// name, the module or the class folder that all of an archive is in.
func javaKnownPackage(name string) string {
	for _, k := range javaPackages {
		if name = strings.TrimSuffix(name, "."); name == k.name || strings.HasPrefix(name, k.name+".") {
			return k.group
		}
	}
	return ""
}

// javaPackages are the groups whose name is not that of their packages, or is
// deeper or less deep than a package's name would have it. The first that fits
// counts, so that the longer name stands first.
var javaPackages = []struct{ name, group string }{
	{"org.apache.derby", "org.apache.derby"},
	{"org.apache.commons.logging", "commons-logging"},
	{"org.apache.commons.io", "commons-io"},
	{"org.apache.commons.cli", "commons-cli"},
	{"org.apache.commons.codec", "commons-codec"},
	{"org.apache.commons.lang3", "org.apache.commons"},
	{"org.apache.commons.lang", "commons-lang"},
	{"org.apache.commons.collections4", "org.apache.commons"},
	{"org.apache.commons.collections", "commons-collections"},
	{"org.apache.commons.beanutils", "commons-beanutils"},
	{"org.apache.commons.fileupload2", "org.apache.commons"},
	{"org.apache.commons.fileupload", "commons-fileupload"},
	{"org.apache.commons.httpclient", "commons-httpclient"},
	{"org.apache.commons.digester3", "org.apache.commons"},
	{"org.apache.commons.digester", "commons-digester"},
	{"org.apache.commons.dbcp2", "org.apache.commons"},
	{"org.apache.commons.dbcp", "commons-dbcp"},
	{"org.apache.commons.pool2", "org.apache.commons"},
	{"org.apache.commons.pool", "commons-pool"},
	{"org.apache.commons.configuration2", "org.apache.commons"},
	{"org.apache.commons.configuration", "commons-configuration"},
	{"org.apache.commons.validator", "commons-validator"},
	{"org.apache.commons.net", "commons-net"},
	{"org.apache.commons", "org.apache.commons"},
	{"org.apache.log4j", "log4j"},
	{"org.apache.logging.log4j", "org.apache.logging.log4j"},
	{"org.apache.xerces", "xerces"},
	{"org.apache.xalan", "xalan"},
	{"org.apache.http", "org.apache.httpcomponents"},
	{"org.apache.ant", "org.apache.ant"},
	{"org.apache.tools.ant", "org.apache.ant"},
	{"org.aopalliance", "aopalliance"},
	{"com.google.inject", "com.google.inject"},
	{"com.google.guice", "com.google.inject"},
	{"com.google.common", "com.google.guava"},
	{"com.google.gson", "com.google.code.gson"},
	{"com.google.protobuf", "com.google.protobuf"},
	{"org.yaml.snakeyaml", "org.yaml"},
	{"org.h2", "com.h2database"},
	{"org.hsqldb", "org.hsqldb"},
	{"org.json.simple", "com.googlecode.json-simple"},
	{"org.json", "org.json"},
	{"org.dom4j", "org.dom4j"},
	{"org.jdom2", "org.jdom"},
	{"com.thoughtworks.xstream", "com.thoughtworks.xstream"},
	{"javax.inject", "javax.inject"},
	{"javax.servlet.jsp", "javax.servlet.jsp"},
	{"javax.servlet", "javax.servlet"},
}

// javaGroups are the groups of what is published without a Maven
// record in the jar (built by Gradle, Ant or sbt) and whose manifest does not
// name the group. The first that fits counts; a star stands for any ending.
var javaGroups = []struct {
	artifactID javaPattern
	group      string
}{
	{"spring-boot-admin*", "de.codecentric"},
	{"spring-security-oauth*", "org.springframework.security.oauth"},
	{"spring-boot*", "org.springframework.boot"},
	{"spring-security*", "org.springframework.security"},
	{"spring-data*", "org.springframework.data"},
	{"spring-cloud-function*", "org.springframework.cloud"},
	{"spring-cloud-gateway*", "org.springframework.cloud"},
	{"spring-cloud*", "org.springframework.cloud"},
	{"spring-integration*", "org.springframework.integration"},
	{"spring-batch*", "org.springframework.batch"},
	{"spring-amqp", "org.springframework.amqp"},
	{"spring-rabbit*", "org.springframework.amqp"},
	{"spring-kafka*", "org.springframework.kafka"},
	{"spring-session*", "org.springframework.session"},
	{"spring-ldap*", "org.springframework.ldap"},
	{"spring-graphql*", "org.springframework.graphql"},
	{"spring-hateoas", "org.springframework.hateoas"},
	{"spring-retry", "org.springframework.retry"},
	{"spring-ws*", "org.springframework.ws"},
	{"spring-webflow", "org.springframework.webflow"},
	{"spring-vault-*", "org.springframework.vault"},
	{"spring-xml", "org.springframework.ws"},
	{"spring-social-*", "org.springframework.social"},
	{"spring-credhub-*", "org.springframework.credhub"},
	{"spring-*", "org.springframework"},
	{"tomcat-embed-*", "org.apache.tomcat.embed"},
	{"tomcat-*", "org.apache.tomcat"},
	{"catalina", "org.apache.tomcat"},
	{"hibernate-validator*", "org.hibernate.validator"},
	{"hibernate-core*", "org.hibernate.orm"},
	{"hibernate-*", "org.hibernate"},
	{"kotlin-*", "org.jetbrains.kotlin"},
	{"kotlinx-*", "org.jetbrains.kotlinx"},
	{"ktor-*", "io.ktor"},
	{"okhttp*", "com.squareup.okhttp3"},
	{"okio*", "com.squareup.okio"},
	{"retrofit*", "com.squareup.retrofit2"},
	{"reactor-netty*", "io.projectreactor.netty"},
	{"reactor-*", "io.projectreactor"},
	{"rxjava", "io.reactivex.rxjava3"},
	{"micrometer-*", "io.micrometer"},
	{"micronaut-*", "io.micronaut"},
	{"grpc-*", "io.grpc"},
	{"kafka-clients", "org.apache.kafka"},
	{"kafka_*", "org.apache.kafka"},
	{"connect-*", "org.apache.kafka"},
	{"lucene-*", "org.apache.lucene"},
	{"solr-*", "org.apache.solr"},
	{"groovy-*", "org.apache.groovy"},
	{"groovy", "org.apache.groovy"},
	{"elasticsearch-rest-*", "org.elasticsearch.client"},
	{"opensearch-security", "org.opensearch.plugin"},
	{"elasticsearch*", "org.elasticsearch"},
	{"opensearch*", "org.opensearch"},
	{"cassandra-*", "org.apache.cassandra"},
	{"akka-*", "com.typesafe.akka"},
	{"play_*", "com.typesafe.play"},
	{"scala-*", "org.scala-lang"},
	{"bcprov-*", "org.bouncycastle"},
	{"bcpkix-*", "org.bouncycastle"},
	{"bctls-*", "org.bouncycastle"},
	{"bcpg-*", "org.bouncycastle"},
	{"bcmail-*", "org.bouncycastle"},
	{"bc-fips", "org.bouncycastle"},
	{"jackson-core-asl", "org.codehaus.jackson"},
	{"jackson-mapper-asl", "org.codehaus.jackson"},
	{"jackson-xc", "org.codehaus.jackson"},
	{"jackson-jaxrs", "org.codehaus.jackson"},
	{"jackson-jaxrs-*", "com.fasterxml.jackson.jaxrs"},
	{"jackson-dataformat-*", "com.fasterxml.jackson.dataformat"},
	{"jackson-datatype-*", "com.fasterxml.jackson.datatype"},
	{"jackson-module-*", "com.fasterxml.jackson.module"},
	{"jackson-*", "com.fasterxml.jackson.core"},
	{"derby", "org.apache.derby"},
	{"derbyclient", "org.apache.derby"},
	{"derbynet", "org.apache.derby"},
	{"derbyshared", "org.apache.derby"},
	{"derbytools", "org.apache.derby"},
	{"derbyoptionaltools", "org.apache.derby"},
	{"derbyrun", "org.apache.derby"},
	{"derbyLocale_*", "org.apache.derby"},
	{"aopalliance", "aopalliance"},
	{"guice-spring", "com.google.inject.extensions"},
	{"guice-assistedinject", "com.google.inject.extensions"},
	{"guice-grapher", "com.google.inject.extensions"},
	{"guice-jmx", "com.google.inject.extensions"},
	{"guice-jndi", "com.google.inject.extensions"},
	{"guice-multibindings", "com.google.inject.extensions"},
	{"guice-persist", "com.google.inject.extensions"},
	{"guice-servlet", "com.google.inject.extensions"},
	{"guice-throwingproviders", "com.google.inject.extensions"},
	{"guice*", "com.google.inject"},
	{"commons-logging*", "commons-logging"},
	{"commons-lang", "commons-lang"},
	{"commons-cli", "commons-cli"},
	{"commons-net", "commons-net"},
	{"commons-pool", "commons-pool"},
	{"commons-dbcp", "commons-dbcp"},
	{"commons-digester", "commons-digester"},
	{"commons-validator", "commons-validator"},
	{"commons-configuration", "commons-configuration"},
	{"log4j", "log4j"},
	{"log4j-*", "org.apache.logging.log4j"},
	{"logback-*", "ch.qos.logback"},
	{"slf4j-*", "org.slf4j"},
	{"netty-incubator-*", "io.netty.incubator"},
	{"netty", "io.netty"},
	{"netty-*", "io.netty"},
	{"jetty-ee10-*", "org.eclipse.jetty.ee10"},
	{"jetty-ee9-*", "org.eclipse.jetty.ee9"},
	{"jetty-ee8-*", "org.eclipse.jetty.ee8"},
	{"jetty-http2-*", "org.eclipse.jetty.http2"},
	{"jetty-http3-*", "org.eclipse.jetty.http3"},
	{"jetty-*", "org.eclipse.jetty"},
	{"undertow-*", "io.undertow"},
	{"mysql-connector-j", "com.mysql"},
	{"mysql-connector-java", "mysql"},
	{"postgresql", "org.postgresql"},
	{"mariadb-java-client", "org.mariadb.jdbc"},
	{"mssql-jdbc", "com.microsoft.sqlserver"},
	{"h2", "com.h2database"},
	{"hsqldb", "org.hsqldb"},
	{"sqlite-jdbc", "org.xerial"},
	{"snappy-java", "org.xerial.snappy"},
	{"snakeyaml", "org.yaml"},
	{"guava", "com.google.guava"},
	{"gson", "com.google.code.gson"},
	{"protobuf-java*", "com.google.protobuf"},
	{"commons-lang3", "org.apache.commons"},
	{"commons-text", "org.apache.commons"},
	{"commons-compress", "org.apache.commons"},
	{"commons-configuration2", "org.apache.commons"},
	{"commons-collections4", "org.apache.commons"},
	{"commons-collections", "commons-collections"},
	{"commons-beanutils", "commons-beanutils"},
	{"commons-fileupload", "commons-fileupload"},
	{"commons-io", "commons-io"},
	{"commons-codec", "commons-codec"},
	{"commons-httpclient", "commons-httpclient"},
	{"httpclient5", "org.apache.httpcomponents.client5"},
	{"httpclient", "org.apache.httpcomponents"},
	{"struts2-*", "org.apache.struts"},
	{"xstream", "com.thoughtworks.xstream"},
	{"dom4j", "org.dom4j"},
	{"jdom", "org.jdom"},
	{"jdom2", "org.jdom"},
	{"xercesImpl", "xerces"},
	{"xalan", "xalan"},
	{"junit", "junit"},
	{"zookeeper", "org.apache.zookeeper"},
	{"velocity", "org.apache.velocity"},
	{"velocity-engine-core", "org.apache.velocity"},
	{"jenkins-core", "org.jenkins-ci.main"},
	{"struts", "struts"},
	{"struts-*", "org.apache.struts"},
	{"quartz", "org.quartz-scheduler"},
	{"c3p0", "com.mchange"},
	{"rome", "com.rometools"},
	{"itext", "com.lowagie"},
	{"itextpdf", "com.itextpdf"},
	{"jetty", "org.mortbay.jetty"},
	{"freemarker", "org.freemarker"},
	{"ognl", "ognl"},
	{"shiro-*", "org.apache.shiro"},
	{"poi", "org.apache.poi"},
	{"poi-*", "org.apache.poi"},
	{"tika-*", "org.apache.tika"},
	{"pdfbox*", "org.apache.pdfbox"},
	{"cxf-*", "org.apache.cxf"},
	{"activemq-*", "org.apache.activemq"},
	{"camel-*", "org.apache.camel"},
	{"hadoop-*", "org.apache.hadoop"},
	{"spark-*", "org.apache.spark"},
	{"vertx-*", "io.vertx"},
	{"fastjson", "com.alibaba"},
	{"mybatis", "org.mybatis"},
	{"jsoup", "org.jsoup"},
	{"nimbus-jose-jwt", "com.nimbusds"},
	{"java-jwt", "com.auth0"},
	{"jjwt*", "io.jsonwebtoken"},
	{"json-smart", "net.minidev"},
	{"json-path", "com.jayway.jsonpath"},
	{"hazelcast", "com.hazelcast"},
	{"ehcache", "net.sf.ehcache"},
	{"xmlsec", "org.apache.santuario"},
	{"esapi", "org.owasp.esapi"},
	{"antisamy", "org.owasp.antisamy"},
	{"jettison", "org.codehaus.jettison"},
	{"woodstox-core", "com.fasterxml.woodstox"},
	{"liquibase-core", "org.liquibase"},
	{"libthrift", "org.apache.thrift"},
	{"avro", "org.apache.avro"},
	{"druid", "com.alibaba"},
	{"thymeleaf*", "org.thymeleaf"},
	{"jython*", "org.python"},
	{"plexus-*", "org.codehaus.plexus"},
	{"dubbo*", "org.apache.dubbo"},
	{"ojdbc*", "com.oracle.database.jdbc"},
	{"jose4j", "org.bitbucket.b_c"},
	{"keycloak-*", "org.keycloak"},
	{"async-http-client", "org.asynchttpclient"},
	{"hutool-*", "cn.hutool"},
	{"xmlbeans", "org.apache.xmlbeans"},
	{"batik-*", "org.apache.xmlgraphics"},
	{"aspectjrt", "org.aspectj"},
	{"aspectjweaver", "org.aspectj"},
	{"zip4j", "net.lingala.zip4j"},
	{"xwiki-platform-*", "org.xwiki.platform"},
	{"xwiki-commons-*", "org.xwiki.commons"},
	{"nifi-*", "org.apache.nifi"},
	{"hive-*", "org.apache.hive"},
	{"pulsar-*", "org.apache.pulsar"},
	{"geode-*", "org.apache.geode"},
	{"ignite-*", "org.apache.ignite"},
	{"storm-*", "org.apache.storm"},
	{"wicket-*", "org.apache.wicket"},
	{"tapestry-*", "org.apache.tapestry"},
	{"axis2*", "org.apache.axis2"},
	{"axis", "org.apache.axis"},
	{"infinispan-*", "org.infinispan"},
	{"resteasy-*", "org.jboss.resteasy"},
	{"wildfly-elytron*", "org.wildfly.security"},
	{"htmlunit", "org.htmlunit"},
	{"nacos-*", "com.alibaba.nacos"},
	{"snowflake-jdbc", "net.snowflake"},
	{"redshift-jdbc42", "com.amazon.redshift"},
	{"mina-core", "org.apache.mina"},
	{"sshd-*", "org.apache.sshd"},
	{"armeria*", "com.linecorp.armeria"},
	{"drools-*", "org.drools"},
	{"querydsl-*", "com.querydsl"},
	{"jolokia-*", "org.jolokia"},
	{"javamelody-core", "net.bull.javamelody"},
	{"pf4j", "org.pf4j"},
	{"mpxj", "net.sf.mpxj"},
	{"beetl", "com.ibeetl"},
	{"vaadin-server", "com.vaadin"},
	{"quarkus-*", "io.quarkus"},
	{"xxl-job-*", "com.xuxueli"},
	{"commons-jxpath", "commons-jxpath"},
	{"ratpack-*", "io.ratpack"},
	{"shenyu-*", "org.apache.shenyu"},
	{"dolphinscheduler-*", "org.apache.dolphinscheduler"},
	{"zeppelin-*", "org.apache.zeppelin"},
}

// javaMoves are the groups under which artifacts were published before the version at
// which they moved to the one above. The first that fits counts.
var javaMoves = []struct {
	artifactID    javaPattern
	before, group string
}{
	{"dom4j", "2", "dom4j"},
	{"jdom", "1.1", "jdom"},
	{"xstream", "1.2", "xstream"},
	{"velocity", "1.5", "velocity"},
	{"quartz", "1.7", "opensymphony"},
	{"c3p0", "0.9.2", "c3p0"},
	{"rome", "1.5", "rome"},
	{"okhttp*", "3", "com.squareup.okhttp"},
	{"retrofit*", "2", "com.squareup.retrofit"},
	{"rxjava", "2", "io.reactivex"},
	{"rxjava", "3", "io.reactivex.rxjava2"},
	{"jetty-*", "7", "org.mortbay.jetty"},
	{"ant", "1.7", "ant"},
	{"hibernate-validator*", "6", "org.hibernate"},
	{"hibernate-core*", "6", "org.hibernate"},
	{"netty", "3.3", "org.jboss.netty"},
	{"dubbo*", "2.7", "com.alibaba"},
	{"async-http-client", "2", "com.ning"},
	{"htmlunit", "3", "net.sourceforge.htmlunit"},
	{"groovy", "4", "org.codehaus.groovy"},
	{"groovy-*", "4", "org.codehaus.groovy"},
}

// javaPattern is an artifact's name; a star stands for any ending.
type javaPattern string

func (p javaPattern) fits(artifactID string) bool {
	if begin, ok := strings.CutSuffix(string(p), "*"); ok {
		return strings.HasPrefix(artifactID, begin)
	}
	return artifactID == string(p)
}

// javaBefore compares the numbers that versions begin with.
func javaBefore(version, limit string) bool {
	for limit != "" {
		var a, b string
		a, version, _ = strings.Cut(version, ".")
		b, limit, _ = strings.Cut(limit, ".")
		x, _ := strconv.Atoi(a[:len(a)-len(strings.TrimLeft(a, "0123456789"))])
		y, _ := strconv.Atoi(b)
		if x != y {
			return x < y
		}
	}
	return false
}

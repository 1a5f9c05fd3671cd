package catalog

import "strings"

// javaGuess is what an archive without a Maven record of its own is, by its
// manifest and its file name. A name without a version is no package.
func javaGuess(jar javaJar, file javaCoordinates) javaCoordinates {
	m := jar.manifest
	c := file
	symbolic, _, _ := strings.Cut(m["bundle-symbolicname"], ";")
	symbolic = strings.TrimSpace(symbolic)
	if c.version == "" {
		for _, key := range []string{"implementation-version", "bundle-version", "specification-version"} {
			if v := strings.TrimSpace(m[key]); mavenWord(v) && javaDigit(v) {
				c.version = v
				break
			}
		}
		if t := m["implementation-title"]; mavenWord(t) && !strings.Contains(t, ".") {
			c.artifactID = t
		}
	}
	if !mavenWord(c.version) || !mavenWord(c.artifactID) || !javaDigit(c.version) {
		return javaCoordinates{}
	}
	c.group = javaGroup(c.artifactID, symbolic, m)
	return c
}

// javaGroup is the group of an archive: a known one, or what the manifest
// hints at. It may be empty.
func javaGroup(artifactID, symbolic string, m map[string]string) string {
	for _, k := range javaGroups {
		if artifactID == k.artifactID || strings.HasSuffix(k.artifactID, "*") && strings.HasPrefix(artifactID, k.artifactID[:len(k.artifactID)-1]) {
			return k.group
		}
	}
	// org.eclipse.jetty.util of jetty-util, org.apache.commons.commons-text of commons-text
	if group, ok := strings.CutSuffix(symbolic, "."+artifactID); ok && mavenWord(group) {
		return group
	}
	if id := strings.TrimSpace(m["implementation-vendor-id"]); strings.Contains(id, ".") && mavenWord(id) {
		return id
	}
	for _, name := range []string{symbolic, m["automatic-module-name"]} {
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

// javaGroups are the groups of what is published without a Maven
// record in the jar (built by Gradle, Ant or sbt) and whose manifest does not
// name the group. The first that fits counts; a star stands for any ending.
var javaGroups = []struct{ artifactID, group string }{
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
	{"spring-*", "org.springframework"},
	{"tomcat-embed-*", "org.apache.tomcat.embed"},
	{"tomcat-*", "org.apache.tomcat"},
	{"catalina", "org.apache.tomcat"},
	{"hibernate-validator*", "org.hibernate.validator"},
	{"hibernate-core*", "org.hibernate"},
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
	{"groovy-*", "org.codehaus.groovy"},
	{"groovy", "org.codehaus.groovy"},
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
	{"jackson-dataformat-*", "com.fasterxml.jackson.dataformat"},
	{"jackson-datatype-*", "com.fasterxml.jackson.datatype"},
	{"jackson-module-*", "com.fasterxml.jackson.module"},
	{"jackson-*", "com.fasterxml.jackson.core"},
	{"log4j", "log4j"},
	{"log4j-*", "org.apache.logging.log4j"},
	{"logback-*", "ch.qos.logback"},
	{"slf4j-*", "org.slf4j"},
	{"netty-*", "io.netty"},
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
	{"xercesImpl", "xerces"},
	{"xalan", "xalan"},
	{"junit", "junit"},
	{"zookeeper", "org.apache.zookeeper"},
	{"velocity", "org.apache.velocity"},
	{"velocity-engine-core", "org.apache.velocity"},
	{"jenkins-core", "org.jenkins-ci.main"},
}

// Package jwks fetches the keys that an issuer publishes, and keeps them fresh within the limits of rule T2.
package jwks

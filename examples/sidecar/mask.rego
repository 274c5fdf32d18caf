# What decision logs leave out or replace: the list that the organisation's data has, in OPA's own form.
package system.log

mask := data.bspec.org.log_mask
